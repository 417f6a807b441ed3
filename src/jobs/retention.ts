import type { Logger } from 'pino';
import { namingMs, type Assets } from '../assets/assets.ts';
import type { Clock, Timer } from '../fleet/clock.ts';
import type { Store } from '../store/store.ts';

const periodMs = 60_000;
/** Jobs per transaction, so that a long sweep never holds up a submission. */
const batch = 200;

/**
 * Deletes what is older than the retention allows, a little at a time. Files go after the transaction that forgot them; those that were put
 * again meanwhile get a new age, in case nobody comes to name them.
 */
export class Sweeper {
  readonly #deps: {
    store: Store;
    assets: Assets;
    clock: Clock;
    log: Logger;
    retention: { jobsMs: number; outputsMs: number; uploadsMs: number };
  };
  #timer: Timer | null = null;
  #stopped = false;

  constructor(deps: {
    store: Store;
    assets: Assets;
    clock: Clock;
    log: Logger;
    retention: { jobsMs: number; outputsMs: number; uploadsMs: number };
  }) {
    this.#deps = deps;
  }

  start(): void {
    const { clock, log } = this.#deps;
    this.#timer = clock.at(clock.now() + periodMs, () => {
      this.sweep()
        .catch((error: unknown) => log.warn({ event: 'sweep_failed', err: error }, 'a sweep failed; the next one tries again'))
        .finally(() => {
          if (!this.#stopped) this.start();
        });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** One whole sweep: until nothing is left that is too old. */
  async sweep(): Promise<{ jobs: number; files: number }> {
    const { store, assets, clock, retention } = this.#deps;
    const total = { jobs: 0, files: 0 };
    for (let more = true; more && !this.#stopped;) {
      const at = clock.now();
      const swept = await store.sweep({
        at,
        jobsBefore: at - retention.jobsMs,
        outputsBefore: at - retention.outputsMs,
        uploadsBefore: at - retention.uploadsMs,
        limit: batch,
      });
      const stay = await assets.remove(swept.assets);
      // Due again when the time for naming it is over.
      for (const { id, bytes } of stay) await store.touchAsset({ id, bytes, kind: 'upload', at: at - retention.uploadsMs + namingMs });
      total.jobs += swept.jobs;
      total.files += swept.assets.length - stay.length;
      more = swept.more;
    }
    return total;
  }
}
