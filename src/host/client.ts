import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { ComfleetError, type ErrorCode } from '../errors.ts';
import type { Clock, Timer } from '../fleet/clock.ts';
import type { LogLine, RunningContainer, RuntimeEvent } from '../runtimes/runtime.ts';
import { socketPathOf, type StartRequest, type SupervisorEvent, type SupervisorInfo } from './protocol.ts';

const leasePeriodMs = 10_000;
const reconnectMs = 200;
/** A start of the supervisor that says nothing for so long has failed. */
const spawnTimeoutMs = 20_000;

export interface SupervisorClientOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  /** How long the supervisor keeps containers without a gateway; for tests. */
  readonly leaseMs?: number;
}

/** A gateway's end of the supervisor's protocol. It starts the supervisor where none runs, and again when it dies. */
export class SupervisorClient {
  readonly #options: SupervisorClientOptions;
  readonly #pool: Pool;
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  #info: SupervisorInfo | null = null;
  #seq = 0;
  #lease: Timer | null = null;
  #closed = false;

  private constructor(options: SupervisorClientOptions) {
    this.#options = options;
    // Streams of events and logs are silent for as long as nothing happens.
    this.#pool = new Pool('http://supervisor', { socketPath: socketPathOf(options.folder), bodyTimeout: 0, headersTimeout: 0 });
  }

  /** Connects to the supervisor of the folder, or starts it. Error: `supervisor_failed`. */
  static async connect(options: SupervisorClientOptions): Promise<SupervisorClient> {
    const client = new SupervisorClient(options);
    await client.#reach();
    client.#followEvents();
    client.#renew();
    return client;
  }

  get pid(): number {
    return this.#info?.pid ?? 0;
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
    const { body } = await this.#pool.request({
      method: 'GET',
      path: `/containers/${encodeURIComponent(id)}/logs?follow=${follow ? 1 : 0}`,
      signal,
    });
    try {
      for await (const line of createInterface({ input: body })) yield JSON.parse(line) as LogLine;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Ends the connection; with `stopAll` every container and the supervisor first. */
  async close({ stopAll, graceMs }: { stopAll: boolean; graceMs: number }): Promise<void> {
    this.#closed = true;
    this.#lease?.cancel();
    if (stopAll) await this.#call('POST', '/shutdown', { grace_ms: graceMs });
    await this.#pool.destroy();
  }

  async #call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    try {
      const headers = { 'content-type': 'application/json' };
      const answer = await this.#pool.request({ method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const text = await answer.body.text();
      const value: unknown = text === '' ? undefined : JSON.parse(text);
      if (answer.statusCode < 400) return value;
      const { code, detail } = value as { code: ErrorCode; detail: string };
      throw new ComfleetError(code, detail);
    } catch (error) {
      if (error instanceof ComfleetError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ComfleetError('supervisor_failed', `the supervisor did not answer ${method} ${path}: ${why}`, {}, { cause: error });
    }
  }

  /** Finds the supervisor or starts one; true when it is another one than before. */
  async #reach(): Promise<boolean> {
    const before = this.#info?.instance;
    const info = await this.#hello();
    if (!info) await spawnSupervisor(this.#options);
    this.#info = info ?? (await this.#hello());
    if (!this.#info) throw new ComfleetError('supervisor_failed', 'the supervisor was started but does not answer');
    return before !== undefined && before !== this.#info.instance;
  }

  async #hello(): Promise<SupervisorInfo | null> {
    try {
      return (await this.#call('GET', '/supervisor')) as SupervisorInfo;
    } catch {
      // Nobody listens there.
      return null;
    }
  }

  /** Reads the stream of events for as long as this client lives; when it breaks, reaches the supervisor again. */
  #followEvents(): void {
    const { clock, report } = this.#options;
    this.#readEvents()
      .catch((error: unknown) => {
        if (!this.#closed) report(error);
      })
      .finally(() => {
        if (this.#closed) return;
        this.#reach().then(
          (replaced) => {
            // A new supervisor counts its events from the beginning.
            if (replaced) this.#reset();
            this.#renew();
            this.#followEvents();
          },
          (error: unknown) => {
            report(error);
            clock.at(clock.now() + reconnectMs, () => this.#followEvents());
          },
        );
      });
  }

  async #readEvents(): Promise<void> {
    const { body } = await this.#pool.request({ method: 'GET', path: `/events?after=${this.#seq}` });
    for await (const line of createInterface({ input: body })) {
      const event = JSON.parse(line) as SupervisorEvent | { reset: true };
      if ('reset' in event) this.#reset();
      else this.#emit(event.event, event.seq);
    }
  }

  #reset(): void {
    this.#emit({ type: 'reset', at: this.#options.clock.now() }, 0);
  }

  #emit(event: RuntimeEvent, seq: number): void {
    this.#seq = seq;
    for (const listener of this.#listeners) listener(event);
  }

  #renew(): void {
    const { clock, report } = this.#options;
    this.#lease?.cancel();
    if (this.#closed) return;
    this.#call('PUT', '/lease').catch(report);
    this.#lease = clock.at(clock.now() + leasePeriodMs, () => this.#renew());
  }
}

/** Starts the supervisor as a process of its own group, with its words in `supervisor.log`; settles when it listens. */
async function spawnSupervisor({ folder, clock, leaseMs }: SupervisorClientOptions): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(join(folder, 'supervisor.log'), 'a', 0o600);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`main.${extension}`, import.meta.url));
  const args = ['--folder', folder, ...(leaseMs === undefined ? [] : ['--lease-ms', String(leaseMs)])];
  const child = fork(main, args, { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new ComfleetError('supervisor_failed', `${why}; see ${join(folder, 'supervisor.log')}`));
      const timer = clock.at(clock.now() + spawnTimeoutMs, () => fail('the supervisor did not start in time'));
      child.once('message', () => (timer.cancel(), resolve()));
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code) => fail(`the supervisor ended with code ${code}`));
    });
  } finally {
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
}
