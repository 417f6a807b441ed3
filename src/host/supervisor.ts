import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
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
}

/** Owns the containers of one host. It outlives gateways, and stops everything when none has renewed its lease for a while. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #containers = new Map<string, Managed>();
  readonly #events: SupervisorEvent[] = [];
  readonly #listeners = new Set<(event: SupervisorEvent) => void>();
  #epoch = 0;
  #seq = 0;
  #lease: Timer | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (const folder of ['containers', 'logs']) mkdirSync(join(options.folder, folder), { recursive: true, mode: 0o700 });
    this.#clearRemains();
    this.renewLease();
  }

  /** A gateway lives: whichever does, since only one owns the data folder. */
  renewLease(): void {
    const { clock, leaseMs } = this.#options;
    this.#lease?.cancel();
    this.#lease = clock.at(clock.now() + leaseMs, () => {
      void this.stopAll(0).finally(this.#options.onAbandoned);
    });
  }

  /** Begins a start; an id that is there is left alone. */
  start(request: StartRequest): void {
    this.#checkEpoch(request.epoch);
    if (this.#containers.has(request.id)) return;
    const { clock, launchers } = this.#options;
    const folder = this.#folderOf(request.id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const managed: Managed = {
      request,
      log: new ContainerLog(this.logFile(request.id)),
      startedAt: clock.now(),
      state: 'starting',
      endpoint: null,
      readyAt: null,
      launched: null,
      gone: null,
    };
    this.#containers.set(request.id, managed);
    managed.launched = launchers[request.launch.kind].launch(request, folder, this.#report(managed));
  }

  /** Settles when the container is gone; an unknown one is. */
  async stop(id: string, epoch: number, graceMs: number): Promise<void> {
    this.#checkEpoch(epoch);
    await this.#stop(id, graceMs);
  }

  async stopAll(graceMs: number): Promise<void> {
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
    return this.#containers.get(id)?.log;
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
    managed.log.close();
    await rm(this.#folderOf(id), { recursive: true, force: true });
  }

  #publish(event: SupervisorEvent['event']): void {
    const numbered: SupervisorEvent = { seq: ++this.#seq, event };
    this.#events.push(numbered);
    if (this.#events.length > 2 * eventsKept) this.#events.splice(0, this.#events.length - eventsKept);
    for (const listener of this.#listeners) listener(numbered);
  }

  #checkEpoch(epoch: number): void {
    if (epoch < this.#epoch) throw new ComfleetError('conflict', `a controller of epoch ${this.#epoch} has taken over from epoch ${epoch}`);
    this.#epoch = epoch;
  }

  #folderOf = (id: string): string => join(this.#options.folder, 'containers', id);

  /** What a supervisor that was killed has left: folders of containers that died with it, and logs that nobody reads any more. */
  #clearRemains(): void {
    const { folder, clock } = this.#options;
    const containers = join(folder, 'containers');
    for (const name of readdirSync(containers)) rmSync(join(containers, name), { recursive: true, force: true });
    const logs = join(folder, 'logs');
    for (const name of readdirSync(logs)) {
      const file = join(logs, name);
      if (existsSync(file) && statSync(file).mtimeMs < clock.now() - logsKeptMs) rmSync(file);
    }
  }
}
