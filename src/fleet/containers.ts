import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { fleetTopic, type FleetBusEvent } from '../bus/events.ts';
import { ComfleetError } from '../errors.ts';
import type { RunningContainer, Runtime, RuntimeEvent } from '../runtimes/runtime.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Random, Timer } from './clock.ts';
import { advance, isAlive, recordOf, startingContainer, type Container, type ContainerEvent, type ContainerRecord } from './container.ts';
import type { Pool } from './pool.ts';
import type { Slots } from './slots.ts';

/** Grace for a container that is asked to stop before it is killed. */
const stopGraceMs = 5_000;
/** Time for the runtime to say why a container that a job has lost is gone: its supervisor waits a second for what it still prints. */
const lastWordMs = 2_000;

export interface ContainersDependencies {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly log: Logger;
  /** Price per hour of a GPU model; null: no price set. */
  readonly priceOf: (gpu: string | null) => number | null;
  /** Called after every change of a container, with the one before (null: new). */
  readonly onChange: (container: Container, before: Container | null, pool: Pool) => void;
}

/** The living containers: starts and stops them through the runtime, applies events to them, stores and publishes each change of state. */
export class Containers {
  readonly #deps: ContainersDependencies;
  readonly #pools = new Map<string, Pool>();
  /** Containers whose work since the last save is not stored yet. */
  readonly #unsaved = new Set<string>();
  readonly #ending = new Set<string>();
  /** Of containers that jobs have lost: when the runtime's word on them is waited for no longer. */
  readonly #lost = new Map<string, Timer>();
  epoch = 0;

  constructor(deps: ContainersDependencies) {
    this.#deps = deps;
  }

  get(id: string): Container | undefined {
    return this.#pools.get(id)?.containers.get(id);
  }

  poolOf(id: string): Pool | undefined {
    return this.#pools.get(id);
  }

  all(): Container[] {
    return [...this.#pools].flatMap(([id, pool]) => pool.containers.get(id) ?? []);
  }

  get count(): number {
    return this.#pools.size;
  }

  /** Takes a slot and begins a start; false when no slot is free. */
  start(pool: Pool, reason: string): boolean {
    const { clock, random, runtime, slots, priceOf } = this.#deps;
    const id = random.id();
    const slot = slots.take(id);
    if (!slot) return false;
    const { deployment } = pool;
    const given = {
      ...slot,
      id,
      workspace: deployment.workspace,
      environment: deployment.environment,
      deployment: deployment.name,
      revision: deployment.revision,
      runtime: runtime.name,
      epoch: this.epoch,
      startReason: reason,
      usdPerHour: priceOf(slot.gpu),
    };
    this.#put(pool, startingContainer(given, clock.now()), null);
    runtime
      .start({ id, epoch: this.epoch, slot, deployment: deployment.name, revision: deployment.revision })
      .catch((error: unknown) => this.fail(id, isLost(error) ? 'crashed' : 'start_failed', messageOf(error)));
    return true;
  }

  /** Takes over a container that another life of the gateway started; one that was draining drains on. */
  adopt(pool: Pool, record: ContainerRecord, running: RunningContainer): void {
    const { clock, slots } = this.#deps;
    slots.adopt(record.id, record);
    const starting = running.state === 'starting';
    const adopted: Container = {
      ...record,
      epoch: this.epoch,
      state: record.state === 'draining' ? 'draining' : starting ? 'starting' : 'ready',
      endpoint: running.endpoint,
      readyAt: starting ? null : (record.readyAt ?? running.readyAt ?? clock.now()),
      inFlight: 0,
      idleSince: starting ? null : clock.now(),
      busySince: null,
      modelKey: '',
    };
    this.#put(pool, adopted, null);
  }

  /** It is ready, and may have told which GPU it has. */
  ready({ id, at, endpoint, slot }: Extract<RuntimeEvent, { type: 'ready' }>): void {
    const { slots, priceOf } = this.#deps;
    if (slot) slots.learn(id, slot);
    const found = slot ? { found: { gpu: slot.gpu, share: slot.share, usdPerHour: priceOf(slot.gpu) } } : {};
    this.apply(id, { type: 'ready', at, endpoint, ...found });
  }

  /** Stops a container, whatever it does; settles when it is gone. */
  async stop(id: string, reason: string): Promise<void> {
    this.apply(id, { type: 'drain', reason });
    await this.#end(id, (at) => ({ type: 'stopped', at, reason }));
  }

  /** No new job goes to it; when its last prompt has ended it stops. */
  drain(id: string, reason: string): void {
    const container = this.get(id);
    if (!container) return;
    if (container.inFlight === 0) this.#detach(this.stop(id, reason), id);
    else this.apply(id, { type: 'drain', reason });
  }

  /** A container that does not work any more: no new jobs, killed, recorded as failed. */
  fail(id: string, code: string, message: string): void {
    this.apply(id, { type: 'drain', reason: message });
    this.#detach(
      this.#end(id, (at) => ({ type: 'failed', at, code, message })),
      id,
    );
  }

  /**
   * A container that a job has lost: no new jobs. It fails for this reason only when the runtime, which knows better, does not say for what
   * other one within moments: a process that was killed for want of memory must not read as a socket error.
   */
  lose(id: string, code: string, message: string): void {
    if (!this.get(id) || this.#ending.has(id) || this.#lost.has(id)) return;
    const { clock } = this.#deps;
    this.#lost.set(
      id,
      clock.at(clock.now() + lastWordMs, () => this.fail(id, code, message)),
    );
    this.apply(id, { type: 'lost', code, message });
  }

  /** Applies an event; stores and publishes what changed. Events of unknown containers come too late and are ignored. */
  apply(id: string, event: ContainerEvent): void {
    const pool = this.#pools.get(id);
    const before = pool?.containers.get(id);
    if (!pool || !before) return;
    const container = advance(before, event);
    if (container !== before) this.#put(pool, container, before);
  }

  /** Stores the work of containers that only ran jobs since, so that a crash loses little of their accounts. */
  async saveWork(): Promise<void> {
    const ids = [...this.#unsaved];
    this.#unsaved.clear();
    await Promise.all(ids.map((id) => this.#save(id)));
  }

  /** Nothing is ended from here on. */
  async close(): Promise<void> {
    for (const timer of this.#lost.values()) timer.cancel();
    await this.saveWork();
  }

  #put(pool: Pool, container: Container, before: Container | null): void {
    const { bus, slots, onChange } = this.#deps;
    const { id } = container;
    if (isAlive(container.state)) {
      this.#pools.set(id, pool);
      pool.put(container);
    } else {
      this.#pools.delete(id);
      this.#unsaved.delete(id);
      this.#lost.get(id)?.cancel();
      this.#lost.delete(id);
      pool.remove(id);
      slots.release(id, container.state === 'failed' && container.readyAt === null);
    }
    const event: FleetBusEvent = { kind: 'container', container, inFlight: container.inFlight };
    const publish = (): void => bus.publish(fleetTopic, event);
    if (before && onlyWorked(before, container)) this.#unsaved.add(id);
    else {
      const saving = this.#deps.store.saveContainer(recordOf(container));
      this.#detach(saving, id);
      // One that has ended is only in the store: whoever hears of it must find it there as it is.
      if (!isAlive(container.state)) void saving.then(publish, publish);
    }
    if (isAlive(container.state)) publish();
    onChange(container, before, pool);
  }

  /** Takes it off the runtime, then frees its slot and records how it ended. The first reason to end it stands. */
  async #end(id: string, ended: (at: number) => ContainerEvent): Promise<void> {
    if (this.#ending.has(id) || !this.get(id)) return;
    this.#ending.add(id);
    try {
      await this.#deps.runtime.stop({ id, epoch: this.epoch, graceMs: stopGraceMs });
      this.apply(id, ended(this.#deps.clock.now()));
    } finally {
      this.#ending.delete(id);
    }
  }

  async #save(id: string): Promise<void> {
    const container = this.get(id);
    if (container) await this.#deps.store.saveContainer(recordOf(container));
  }

  /** Work that nobody waits for: a failure is logged and, for the store, mended by the next save. */
  #detach(work: Promise<void>, id: string): void {
    work.catch((error: unknown) => {
      this.#unsaved.add(id);
      this.#deps.log.warn(
        { event: 'container_change_failed', container_id: id, error: messageOf(error) },
        'a change of a container failed',
      );
    });
  }
}

/** What its supervisor has taken along did not fail by itself. */
const isLost = (error: unknown): boolean => error instanceof ComfleetError && error.code === 'supervisor_failed';

const onlyWorked = (before: Container, after: Container): boolean =>
  before.phases === after.phases && isWorking(before.state) && isWorking(after.state);
const isWorking = (state: Container['state']): boolean => state === 'ready' || state === 'busy';

const messageOf = (error: unknown): string => (error instanceof ComfleetError || error instanceof Error ? error.message : String(error));
