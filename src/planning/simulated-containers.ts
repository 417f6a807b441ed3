import { advance, secondsByUse, startingContainer, type Container, type ContainerEvent } from '../fleet/container.ts';
import type { Pool } from '../fleet/pool.ts';
import type { ScaledContainers } from '../fleet/scaler.ts';
import { Slots } from '../fleet/slots.ts';
import { kinds, type Timeline } from './timeline.ts';

/** Container-seconds by what they went into. Their sum times the price is the cost. */
export interface GpuSeconds {
  readonly start: number;
  readonly busy: number;
  readonly idle: number;
  readonly total: number;
}

export interface SimulatedContainersInput {
  readonly timeline: Timeline;
  /** At most so many at once. */
  readonly slots: number;
  readonly usdPerHour: number | null;
  /** Milliseconds that the next start takes. */
  readonly startMs: () => number;
  /** Does the next start come to nothing, after its time? */
  readonly startFails: () => boolean;
  /** A container became ready. */
  readonly onReady: (pool: Pool, container: Container) => void;
  /** A container has ended. */
  readonly onGone: (id: string) => void;
  readonly onStartFailed: (pool: Pool) => void;
}

/**
 * Containers on virtual time: the states and accounts of live ones, without anything behind them. They start after their time and stop at once.
 */
export class SimulatedContainers implements ScaledContainers {
  readonly slots: Slots;
  readonly #input: SimulatedContainersInput;
  readonly #pools = new Map<string, Pool>();
  readonly #sum = { start: 0, busy: 0, idle: 0 };
  starts = 0;
  peak = 0;

  constructor(input: SimulatedContainersInput) {
    this.#input = input;
    this.slots = new Slots(Array.from({ length: input.slots }, (_, n) => ({ host: 'simulated', device: `gpu${n}`, gpu: null, share: 1 })));
  }

  all(): Container[] {
    return [...this.#pools].flatMap(([id, pool]) => pool.containers.get(id) ?? []);
  }

  start(pool: Pool, reason: string): boolean {
    const { timeline, startMs, startFails } = this.#input;
    const id = `c${String(this.starts).padStart(7, '0')}`;
    const slot = this.slots.take(id);
    if (!slot) return false;
    this.starts++;
    const { workspace, environment, name, revision } = pool.deployment;
    const given = { ...slot, id, workspace, environment, deployment: name, revision, runtime: 'simulated', epoch: 0, startReason: reason };
    this.#pools.set(id, pool);
    pool.put(startingContainer({ ...given, usdPerHour: this.#input.usdPerHour }, timeline.now()));
    this.peak = Math.max(this.peak, this.#pools.size);
    const fails = startFails();
    timeline.set(timeline.now() + startMs(), kinds.ready, () => (fails ? this.#failStart(pool, id) : this.#becomeReady(pool, id)));
    return true;
  }

  drain(id: string, reason: string): void {
    const container = this.#pools.get(id)?.containers.get(id);
    if (!container) return;
    if (container.inFlight === 0) this.#end(id, reason);
    else this.apply(id, { type: 'drain', reason });
  }

  /** Changes a container; one that was draining goes with its last prompt. */
  apply(id: string, event: ContainerEvent): void {
    const pool = this.#pools.get(id);
    const before = pool?.containers.get(id);
    if (!pool || !before) return;
    const container = advance(before, event);
    pool.put(container);
    if (container.state === 'draining' && container.inFlight === 0) this.#end(id, container.stopReason ?? 'drained');
  }

  /** What all containers together have used, those that live still up to now. */
  used(): GpuSeconds {
    const now = this.#input.timeline.now();
    const sum = { ...this.#sum };
    for (const container of this.all()) add(sum, container, now);
    return { ...sum, total: sum.start + sum.busy + sum.idle };
  }

  #becomeReady(pool: Pool, id: string): void {
    const starting = pool.containers.get(id);
    if (starting?.state !== 'starting') return;
    this.apply(id, { type: 'ready', at: this.#input.timeline.now(), endpoint: { url: '' } });
    this.#input.onReady(pool, pool.containers.get(id) as Container);
  }

  #failStart(pool: Pool, id: string): void {
    if (pool.containers.get(id)?.state !== 'starting') return;
    this.fail(id, 'start_failed');
    pool.startFailed(this.#input.timeline.now(), 'a simulated failure');
    this.#input.onStartFailed(pool);
  }

  /** The container is gone, with whatever it was doing. */
  fail(id: string, code: string): void {
    const at = this.#input.timeline.now();
    this.#gone(id, { type: 'failed', at, code, message: 'a simulated failure' });
  }

  #end(id: string, reason: string): void {
    this.#gone(id, { type: 'stopped', at: this.#input.timeline.now(), reason });
  }

  #gone(id: string, event: ContainerEvent & { at: number }): void {
    const pool = this.#pools.get(id) as Pool;
    const ended = advance(pool.containers.get(id) as Container, event);
    const now = event.at;
    add(this.#sum, ended, now);
    this.#pools.delete(id);
    pool.remove(id);
    this.slots.release(id, ended.state === 'failed' && ended.readyAt === null);
    this.#input.onGone(id);
  }
}

function add(sum: { start: number; busy: number; idle: number }, container: Container, now: number): void {
  const { starting, busy, idle } = secondsByUse(container, now);
  sum.start += starting;
  sum.busy += busy;
  sum.idle += idle;
}
