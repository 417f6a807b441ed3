import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoint } from '../comfyui/runner.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock, Timer } from '../fleet/clock.ts';
import type { RunningContainer } from '../runtimes/runtime.ts';
import { ContainerLog } from './container-log.ts';
import type { Launched, Launcher, Report } from './launcher.ts';
import type { Launch, StartRequest, SupervisorEvent } from './protocol.ts';

const eventsKept = 10_000;
const logsKeptMs = 7 * 86_400_000;

interface Managed {
  readonly request: StartRequest;
  readonly log: ContainerLog;
  readonly startedAt: number;
  state: RunningContainer['state'];
  endpoint: Endpoint | null;
  readyAt: number | null;
  launched: Launched | null;
  gone: Promise<void> | null;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  /** Data folder: containers' own folders and logs go below it. */
  readonly folder: string;
  readonly launchers: Readonly<Record<Launch['kind'], Launcher>>;
  /** Without a gateway for so long, everything is stopped. */
  readonly leaseMs: number;
  /** Called once when the lease has run out and everything is stopped. */
  readonly onAbandoned: () => void;
  /** Told what went wrong without a caller who could be told. */
  readonly report: (error: unknown) => void;
}

/** Owns the containers of one host. It outlives gateways, and stops everything when none has renewed its lease for a while. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #containers = new Map<string, Managed>();
  /** Those of containers that are there, and for a moment longer: until the file holds every line. */
  readonly #logs = new Map<string, ContainerLog>();
  readonly #events: SupervisorEvent[] = [];
  readonly #listeners = new Set<(event: SupervisorEvent) => void>();
  #epoch = 0;
  #seq = 0;
  #lease: Timer | null = null;
  #ending = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (const folder of ['containers', 'logs']) mkdirSync(join(options.folder, folder), { recursive: true, mode: 0o700 });
    this.#clearRemains();
    this.renewLease();
  }

  /** Number of the last event. Error: `supervisor_failed` when everything is being stopped. */
  get seq(): number {
    this.#checkAlive();
    return this.#seq;
  }

  /** A gateway lives: whichever does, since only one owns the data folder. Error: `supervisor_failed` when everything is being stopped. */
  renewLease(): void {
    this.#checkAlive();
    const { clock, leaseMs } = this.#options;
    this.#lease?.cancel();
    this.#lease = clock.at(clock.now() + leaseMs, () => {
      void this.stopAll(0).finally(this.#options.onAbandoned);
    });
  }

  /** Begins a start; an id that is there is left alone. Errors: `conflict` when a later gateway was seen; `supervisor_failed` as above. */
  start(request: StartRequest): void {
    this.#checkAlive();
    this.#checkEpoch(request.epoch);
    if (this.#containers.has(request.id)) return;
    const { clock, launchers, report } = this.#options;
    const folder = this.#folderOf(request.id);
    const managed: Managed = {
      request,
      log: new ContainerLog(this.logFile(request.id), report),
      startedAt: clock.now(),
      state: 'starting',
      endpoint: null,
      readyAt: null,
      launched: null,
      gone: null,
    };
    this.#containers.set(request.id, managed);
    this.#logs.set(request.id, managed.log);
    const told = this.#report(managed);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      managed.launched = launchers[request.launch.kind].launch(request, folder, told);
    } catch (error) {
      told.exited('start_failed', error instanceof Error ? error.message : String(error));
    }
  }

  /** Settles when the container is gone; an unknown one is. */
  async stop(id: string, epoch: number, graceMs: number): Promise<void> {
    this.#checkEpoch(epoch);
    await this.#stop(id, graceMs);
  }

  /** Settles when no container is left; from its beginning on, none is started. */
  async stopAll(graceMs: number): Promise<void> {
    this.#ending = true;
    this.#lease?.cancel();
    await Promise.all([...this.#containers.keys()].map((id) => this.#stop(id, graceMs)));
  }

  list(): RunningContainer[] {
    return [...this.#containers.values()].map(({ request, state, endpoint, startedAt, readyAt }) => {
      const { id, epoch, slot, deployment, revision } = request;
      return { id, epoch, slot, deployment, revision, state, endpoint, startedAt, readyAt };
    });
  }

  /** Events after `seq`; null when some of them are forgotten. */
  since(seq: number): readonly SupervisorEvent[] | null {
    const first = this.#events[0];
    if (first && seq < first.seq - 1) return null;
    return this.#events.filter((event) => event.seq > seq);
  }

  subscribe(listener: (event: SupervisorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The log of a container that is there. */
  log(id: string): ContainerLog | undefined {
    return this.#logs.get(id);
  }

  logFile(id: string): string {
    return join(this.#options.folder, 'logs', `${id}.ndjson`);
  }

  #report(managed: Managed): Report {
    const { id } = managed.request;
    const { clock } = this.#options;
    const log: Report['log'] = (stream, text) => managed.log.add({ at: clock.now(), stream, text });
    return {
      log,
      phase: (phase, { at = clock.now(), detail } = {}) => {
        this.#publish({ type: 'phase', id, phase, at, ...(detail ? { detail } : {}) });
      },
      ready: (endpoint) => {
        if (managed.gone) return;
        managed.state = 'ready';
        managed.endpoint = endpoint;
        managed.readyAt = clock.now();
        log('comfleet', `ready at ${endpoint.url}`);
        this.#publish({ type: 'ready', id, endpoint, at: managed.readyAt });
      },
      exited: (code, message) => {
        if (managed.gone) return;
        log('comfleet', message);
        this.#publish({ type: 'exited', id, at: clock.now(), code, message });
        managed.gone = this.#forget(managed);
      },
    };
  }

  async #stop(id: string, graceMs: number): Promise<void> {
    const managed = this.#containers.get(id);
    if (!managed) return;
    managed.gone ??= (async () => {
      managed.log.add({ at: this.#options.clock.now(), stream: 'comfleet', text: 'stopping' });
      await managed.launched?.stop(graceMs);
      await this.#forget(managed);
    })();
    await managed.gone;
  }

  async #forget(managed: Managed): Promise<void> {
    const { id } = managed.request;
    this.#containers.delete(id);
    const emptied = rm(this.#folderOf(id), { recursive: true, force: true, maxRetries: 3 }).catch(this.#options.report);
    await Promise.all([managed.log.close(), emptied]);
    // The id may be there again.
    if (this.#logs.get(id) === managed.log) this.#logs.delete(id);
  }

  #publish(event: SupervisorEvent['event']): void {
    const numbered: SupervisorEvent = { seq: ++this.#seq, event };
    this.#events.push(numbered);
    if (this.#events.length > 2 * eventsKept) this.#events.splice(0, this.#events.length - eventsKept);
    for (const listener of this.#listeners) listener(numbered);
  }

  #checkAlive(): void {
    if (this.#ending) throw new ComfleetError('supervisor_failed', 'the supervisor is stopping everything, and ends');
  }

  #checkEpoch(epoch: number): void {
    if (epoch < this.#epoch) throw new ComfleetError('conflict', `a controller of epoch ${this.#epoch} has taken over from epoch ${epoch}`);
    this.#epoch = epoch;
  }

  #folderOf = (id: string): string => join(this.#options.folder, 'containers', id);

  /** What a supervisor that was killed has left: folders of containers that died with it, and logs that nobody reads any more. */
  #clearRemains(): void {
    const { folder, clock, report } = this.#options;
    const containers = join(folder, 'containers');
    for (const name of readdirSync(containers)) {
      // Its process may have some seconds left to write into it: see guard.ts.
      try {
        rmSync(join(containers, name), { recursive: true, force: true, maxRetries: 3 });
      } catch (error) {
        report(error);
      }
    }
    const logs = join(folder, 'logs');
    for (const name of readdirSync(logs)) {
      const file = join(logs, name);
      if (statSync(file).mtimeMs < clock.now() - logsKeptMs) rmSync(file);
    }
  }
}
