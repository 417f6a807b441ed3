import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { ComfleetError, type ErrorCode } from '../errors.ts';
import type { Clock, Timer } from '../fleet/clock.ts';
import type { LogLine, RunningContainer, RuntimeEvent } from '../runtimes/runtime.ts';
import { jsonLines } from './lines.ts';
import { makeSocketFolder, socketPathOf, type EventLine, type EventPosition, type StartRequest, type SupervisorInfo } from './protocol.ts';

const leaseMsUsual = 60_000;
/** A lease is renewed so often that it survives several lost renewals. */
const renewalsPerLease = 6;
const retryMs = 200;
/** A supervisor that cannot be started within this time, or that says nothing for so long while it starts, has failed. */
const reachTimeoutMs = 20_000;

export interface SupervisorClientOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  /** How long a supervisor that this client starts keeps containers without a gateway; for tests. */
  readonly leaseMs?: number;
}

/** A gateway's end of the supervisor's protocol. It starts the supervisor where none runs, and again when it dies. */
export class SupervisorClient {
  readonly #options: SupervisorClientOptions;
  readonly #pool: Pool;
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  #pid = 0;
  #position: EventPosition = { instance: '', seq: 0 };
  #lease: Timer | null = null;
  #following: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: SupervisorClientOptions) {
    this.#options = options;
    // Streams of events and logs are silent for as long as nothing happens.
    this.#pool = new Pool('http://supervisor', { socketPath: socketPathOf(options.folder), bodyTimeout: 0, headersTimeout: 0 });
  }

  /** Connects to the supervisor of the folder, or starts it. Events from now on will be heard. Error: `supervisor_failed`. */
  static async connect(options: SupervisorClientOptions): Promise<SupervisorClient> {
    const client = new SupervisorClient(options);
    try {
      client.#position = await client.#reach();
    } catch (error) {
      await client.#pool.destroy();
      throw error;
    }
    client.#following = client.#followEvents();
    return client;
  }

  /** The supervisor's process. */
  get pid(): number {
    return this.#pid;
  }

  async start(request: StartRequest): Promise<void> {
    await this.#call('POST', '/containers', request);
  }

  async stop(id: string, epoch: number, graceMs: number): Promise<void> {
    await this.#call('DELETE', `/containers/${encodeURIComponent(id)}?epoch=${epoch}&grace_ms=${graceMs}`);
  }

  async list(): Promise<readonly RunningContainer[]> {
    return (await this.#call('GET', '/containers')) as readonly RunningContainer[];
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *logs(id: string, { follow, signal }: { follow: boolean; signal: AbortSignal }): AsyncIterable<LogLine> {
    try {
      const path = `/containers/${encodeURIComponent(id)}/logs?follow=${follow ? 1 : 0}`;
      for await (const line of this.#lines(path, signal)) yield line as LogLine;
    } catch (error) {
      if (!signal.aborted) throw asFailure(`the log of ${id} broke off`, error);
    }
  }

  /** Ends the connection; with `stopAll` every container and the supervisor first, unless that has died and they with it. */
  async close({ stopAll, graceMs }: { stopAll: boolean; graceMs: number }): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#lease?.cancel();
    try {
      if (!stopAll || !(await this.#hello())) return;
      await this.#call('POST', '/shutdown', { grace_ms: graceMs });
      // It answers before it ends; its stream of events ends with it.
      await this.#following;
    } finally {
      await this.#pool.destroy();
    }
  }

  async #call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    try {
      const headers = { 'content-type': 'application/json' };
      const answer = await this.#pool.request({ method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const text = await answer.body.text();
      if (answer.statusCode >= 400) throw errorOf(text);
      return text === '' ? undefined : JSON.parse(text);
    } catch (error) {
      throw asFailure(`the supervisor did not answer ${method} ${path}`, error);
    }
  }

  async *#lines(path: string, signal?: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path, ...(signal ? { signal } : {}) });
    if (statusCode >= 400) throw errorOf(await body.text());
    yield* jsonLines(body);
  }

  /** Finds the supervisor, or starts one, and renews the lease. Error: `supervisor_failed`. */
  async #reach(): Promise<SupervisorInfo> {
    const { clock, folder } = this.#options;
    const deadline = clock.now() + reachTimeoutMs;
    for (;;) {
      makeSocketFolder(folder);
      const info = await this.#hello();
      if (info) {
        this.#pid = info.pid;
        this.#renew();
        return info;
      }
      if (this.#closed || clock.now() > deadline) throw new ComfleetError('supervisor_failed', `no supervisor answers for ${folder}`);
      const listens = await spawnSupervisor(this.#options);
      // Another supervisor of this folder begins or ends just now.
      if (!listens) await this.#pause();
    }
  }

  async #hello(): Promise<SupervisorInfo | null> {
    try {
      return (await this.#call('GET', '/supervisor')) as SupervisorInfo;
    } catch {
      // Nobody listens there, or one who ends.
      return null;
    }
  }

  /** Reads the stream of events for as long as this client lives; when it breaks, reaches the supervisor again and goes on where it was. */
  async #followEvents(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#readEvents();
      } catch (error) {
        if (!this.#closed) this.#options.report(error);
      }
      try {
        if (!this.#closed) await this.#reach();
      } catch (error) {
        if (!this.#closed) this.#options.report(error);
        await this.#pause();
      }
    }
  }

  async #readEvents(): Promise<void> {
    const { instance, seq } = this.#position;
    for await (const value of this.#lines(`/events?instance=${instance}&after=${seq}`)) {
      const line = value as EventLine;
      if ('reset' in line) {
        this.#position = line.reset;
        this.#emit({ type: 'reset', at: this.#options.clock.now() });
      } else {
        this.#position = { ...this.#position, seq: line.seq };
        this.#emit(line.event);
      }
    }
  }

  #emit(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #renew(): void {
    const { clock, report, leaseMs = leaseMsUsual } = this.#options;
    this.#lease?.cancel();
    if (this.#closed) return;
    this.#call('PUT', '/lease').catch((error: unknown) => {
      if (!this.#closed) report(error);
    });
    this.#lease = clock.at(clock.now() + leaseMs / renewalsPerLease, () => this.#renew());
  }

  #pause(): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => clock.at(clock.now() + retryMs, resolve));
  }
}

function asFailure(what: string, error: unknown): ComfleetError {
  if (error instanceof ComfleetError) return error;
  return new ComfleetError('supervisor_failed', `${what}: ${error instanceof Error ? error.message : String(error)}`, {}, { cause: error });
}

/** The error of an answer, as `errors.ts` wrote it. */
function errorOf(problem: string): ComfleetError {
  const { code, detail } = JSON.parse(problem) as { code: ErrorCode; detail: string };
  return new ComfleetError(code, detail);
}

/**
 * Starts the supervisor as a process of its own group, with its words in `supervisor.log`. True when it listens; false when the folder has
 * a supervisor already. Error: `supervisor_failed`.
 */
async function spawnSupervisor({ folder, clock, leaseMs }: SupervisorClientOptions): Promise<boolean> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(join(folder, 'supervisor.log'), 'a', 0o600);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`main.${extension}`, import.meta.url));
  const args = ['--folder', folder, ...(leaseMs === undefined ? [] : ['--lease-ms', String(leaseMs)])];
  const child = fork(main, args, { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  try {
    return await new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new ComfleetError('supervisor_failed', `${why}; see ${join(folder, 'supervisor.log')}`));
      const timer = clock.at(clock.now() + reachTimeoutMs, () => {
        child.kill('SIGKILL');
        fail('the supervisor did not start in time');
      });
      child.once('message', () => (timer.cancel(), resolve(true)));
      child.once('error', (error) => (timer.cancel(), fail(error.message)));
      child.once('exit', (code, signal) => {
        timer.cancel();
        if (code === 0) resolve(false);
        else fail(`the supervisor ended with ${signal ?? `code ${code}`}`);
      });
    });
  } finally {
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
}
