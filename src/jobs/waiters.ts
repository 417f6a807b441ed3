import type { Clock } from '../fleet/clock.ts';
import type { Job } from './job.ts';

type Wake = (job: Job | null) => void;

/** Callers that wait for a job's end, in memory. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Wake>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A promise of the ended job, or of null after `timeoutMs`, an abort (before it, too) or `giveUp`. `end` must be called once it is of no
   * more use.
   */
  wait(id: string, timeoutMs: number, signal: AbortSignal | undefined): { promise: Promise<Job | null>; end: () => void } {
    const { promise, resolve } = Promise.withResolvers<Job | null>();
    const set = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, set.add(resolve));
    const timer = this.#clock.at(this.#clock.now() + timeoutMs, () => resolve(null));
    const abort = (): void => resolve(null);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', abort);
      set.delete(resolve);
      if (set.size === 0 && this.#waiting.get(id) === set) this.#waiting.delete(id);
    };
    return { promise, end };
  }

  wake(id: string, job: Job): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(job);
  }

  /** Ends the wait for every job but those to `keep`. */
  giveUp(keep: (job: string) => boolean): void {
    for (const [job, set] of this.#waiting) if (!keep(job)) for (const resolve of set) resolve(null);
  }
}
