import { EventEmitter, once } from 'node:events';
import { request } from 'undici';
import { probe } from '../comfyui/probe.ts';
import type { Endpoint } from '../comfyui/runner.ts';
import { ComfleetError } from '../errors.ts';
import { pause, type Clock, type Timer } from '../fleet/clock.ts';
import type { ContainerRecord, Slot } from '../fleet/container.ts';
import { gpuModel } from './devices.ts';
import type { LogLine, RunningContainer, Runtime, RuntimeEvent, StartSpec } from './runtime.ts';

const checkPeriodMs = 5_000;
const checkTimeoutMs = 4_000;
/** A look at a server that is away costs nothing, and whoever waits for it waits no longer than this. */
const lookPeriodMs = 2_000;
/** Failed checks in a row before a server counts as lost. */
const patience = 2;

interface Claimed {
  spec: StartSpec;
  readonly endpoint: Endpoint;
  readonly startedAt: number;
  readonly log: LogLine[];
  /** Emits `line` after each one. */
  readonly written: EventEmitter;
  readonly abort: AbortController;
  /** Settles when its probe prompt has ended, or was withdrawn. */
  probing: Promise<void>;
  /** Null while its probe prompt is under way. */
  readyAt: number | null;
  failures: number;
  timer: Timer | null;
}

export interface RemoteOptions {
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** Containers that a former life of the gateway left. Those whose server is still configured, and answers, are taken over. */
  readonly left: readonly ContainerRecord[];
}

/**
 * ComfyUI servers that run already, by URL: a start claims one and sends a probe prompt, a stop lets it go. They are never started or
 * stopped from here, and go on whatever happens to comfleet.
 */
export function createRemoteRuntime(options: RemoteOptions): Runtime {
  return new RemoteRuntime(options);
}

class RemoteRuntime implements Runtime {
  readonly name = 'remote';
  readonly #urls: readonly string[];
  readonly #clock: Clock;
  readonly #claimed = new Map<string, Claimed>();
  /** Servers that are away, each looked at until it is back. */
  readonly #away = new Set<string>();
  readonly #closed = new AbortController();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  /** Settles when it is known which of the containers that were left are there. */
  readonly #takenOver: Promise<unknown>;

  constructor({ urls, clock, left }: RemoteOptions) {
    this.#urls = urls;
    this.#clock = clock;
    this.#takenOver = Promise.all(left.filter(({ device }) => urls.includes(device)).map((record) => this.#takeOver(record)));
  }

  /** Asks each server which GPU it has; one that does not answer now has a slot all the same, since it may come back. */
  async slots(): Promise<readonly Slot[]> {
    return Promise.all(this.#urls.map((url) => slotOf(url).catch(() => slotWith(url, null))));
  }

  start(spec: StartSpec): Promise<void> {
    if (this.#claimed.has(spec.id)) return Promise.resolve();
    const at = this.#clock.now();
    const claimed = this.#claim(spec, { startedAt: at, readyAt: null });
    this.#emit({ type: 'phase', id: spec.id, phase: 'probe', at });
    this.#note(claimed, `claimed ${claimed.endpoint.url}; probe prompt sent`);
    const onBusy = (): void => this.#note(claimed, 'the probe prompt waits: another one runs there');
    claimed.probing = probe(claimed.endpoint, { clock: this.#clock, signal: claimed.abort.signal, starting: null, onBusy }).then(
      () => this.#ready(claimed),
      (error: unknown) => this.#lost(claimed, 'start_failed', error),
    );
    return Promise.resolve();
  }

  stop({ id }: { id: string }): Promise<void> {
    return this.#release(id);
  }

  async list(): Promise<readonly RunningContainer[]> {
    await this.#takenOver;
    return [...this.#claimed.values()].map(({ spec, endpoint, startedAt, readyAt }) => {
      const ready = readyAt !== null;
      return { ...spec, state: ready ? 'ready' : 'starting', startedAt, readyAt, endpoint: ready ? endpoint : null };
    });
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is known of it here; its own log stays with its owner. */
  async *logs(id: string, { follow, signal }: { follow: boolean; signal: AbortSignal }): AsyncIterable<LogLine> {
    const claimed = this.#claimed.get(id);
    if (!claimed) return;
    const ends = AbortSignal.any([signal, claimed.abort.signal]);
    for (let next = 0; ;) {
      for (const line of claimed.log.slice(next)) {
        next++;
        yield line;
      }
      if (next < claimed.log.length) continue;
      if (!follow || ends.aborted) return;
      // An abort shows in the next round.
      await once(claimed.written, 'line', { signal: ends }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#claimed.keys()].map((id) => this.#release(id)));
  }

  #claim(spec: StartSpec, { startedAt, readyAt }: Pick<Claimed, 'startedAt' | 'readyAt'>): Claimed {
    const claimed: Claimed = {
      spec,
      endpoint: { url: spec.slot.device },
      startedAt,
      log: [],
      written: new EventEmitter(),
      abort: new AbortController(),
      probing: Promise.resolve(),
      readyAt,
      failures: 0,
      timer: null,
    };
    this.#claimed.set(spec.id, claimed);
    return claimed;
  }

  /** One that was ready needs no probe prompt, which could wait behind the very prompts that are to be followed further. */
  async #takeOver({ id, epoch, deployment, revision, host, device, gpu, share, startedAt, readyAt }: ContainerRecord): Promise<void> {
    const spec = { id, epoch, deployment, revision, slot: { host, device, gpu, share } };
    if (readyAt === null) return this.start(spec);
    const claimed = this.#claim(spec, { startedAt, readyAt });
    this.#note(claimed, `claimed ${device} again for a gateway that came back`);
    try {
      await systemStats(device, claimed.abort.signal);
      if (!claimed.abort.signal.aborted) this.#watch(claimed);
    } catch {
      // It went while no gateway looked: whoever asks for the list sees that it is gone.
      await this.#release(id);
    }
  }

  async #ready(claimed: Claimed): Promise<void> {
    const { endpoint, spec, abort } = claimed;
    // One that goes this very moment is found by whoever talks to it next.
    const slot = await slotOf(endpoint.url, abort.signal).catch(() => spec.slot);
    if (abort.signal.aborted) return;
    claimed.spec = { ...spec, slot };
    claimed.readyAt = this.#clock.now();
    this.#note(claimed, 'the probe prompt went through');
    this.#emit({ type: 'ready', id: spec.id, endpoint, at: claimed.readyAt, slot });
    this.#watch(claimed);
  }

  /** A server that hangs up is noticed by whoever talks to it; this finds one that went while nobody did. */
  #watch(claimed: Claimed): void {
    claimed.timer = this.#clock.at(this.#clock.now() + checkPeriodMs, () => {
      systemStats(claimed.endpoint.url, claimed.abort.signal)
        .then(
          () => (claimed.failures = 0),
          (error: unknown) => {
            if (++claimed.failures >= patience) this.#lost(claimed, 'unreachable', error);
          },
        )
        .finally(() => {
          if (!claimed.abort.signal.aborted) this.#watch(claimed);
        });
    });
  }

  #lost(claimed: Claimed, code: 'start_failed' | 'unreachable', error: unknown): void {
    if (claimed.abort.signal.aborted) return;
    const message = `${claimed.endpoint.url}: ${reasonOf(error)}`;
    this.#note(claimed, message);
    void this.#release(claimed.spec.id);
    this.#emit({ type: 'exited', id: claimed.spec.id, at: this.#clock.now(), code, message });
    if (!(error instanceof ComfleetError)) void this.#lookAfter(claimed.endpoint.url);
  }

  /** Tells when a server that hung up or did not listen answers. One that answers with an error is left to the next try. */
  async #lookAfter(url: string): Promise<void> {
    if (this.#away.has(url)) return;
    this.#away.add(url);
    const { signal } = this.#closed;
    let answers = false;
    while (!answers && !signal.aborted) {
      await pause(this.#clock, lookPeriodMs, signal);
      answers = await systemStats(url, signal).then(
        () => true,
        () => false,
      );
    }
    this.#away.delete(url);
    if (answers) this.#emit({ type: 'reachable', at: this.#clock.now() });
  }

  /** Settles when nothing of it is left on the server. */
  async #release(id: string): Promise<void> {
    const claimed = this.#claimed.get(id);
    claimed?.abort.abort();
    claimed?.timer?.cancel();
    this.#claimed.delete(id);
    await claimed?.probing;
  }

  #note(claimed: Claimed, text: string): void {
    claimed.log.push({ at: this.#clock.now(), stream: 'comfleet', text });
    claimed.written.emit('line');
  }

  #emit(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

interface SystemStats {
  readonly devices: readonly { name: string; type: string }[];
}

async function systemStats(url: string, signal?: AbortSignal): Promise<SystemStats> {
  const signals = [AbortSignal.timeout(checkTimeoutMs), ...(signal ? [signal] : [])];
  const answer = await request(`${url}/system_stats`, { signal: AbortSignal.any(signals) });
  const stats = (await answer.body.json()) as SystemStats;
  if (answer.statusCode !== 200) throw new Error(`/system_stats answered ${answer.statusCode}`);
  return stats;
}

/** A server's slot, with the GPU that it tells of. Rejects when it does not answer. */
async function slotOf(url: string, signal?: AbortSignal): Promise<Slot> {
  const device = (await systemStats(url, signal)).devices[0];
  return slotWith(url, device && device.type !== 'cpu' ? gpuModel(device.name) : null);
}

const slotWith = (url: string, gpu: string | null): Slot => ({ host: new URL(url).host, device: url, gpu, share: gpu === null ? 0 : 1 });

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
