import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'undici';
import { ComfleetError, type ErrorCode } from '../errors.ts';
import { pause, type Clock, type Timer } from '../fleet/clock.ts';
import type { LogLine, RunningContainer, RuntimeEvent } from '../runtimes/runtime.ts';
import { jsonLines } from './lines.ts';
import { makeSocketFolder, socketPathOf, type EventLine, type EventPosition, type StartRequest, type SupervisorInfo } from './protocol.ts';
import { pauseBeforeStart, spawnSupervisor, startsWindowMs } from './spawn.ts';

const leaseMsUsual = 60_000;
/** A lease is renewed so often that it survives several lost renewals. */
const renewalsPerLease = 6;
const retryMs = 200;
/** So long it is tried to reach a supervisor, or to start one. */
const reachTimeoutMs = 20_000;
/** What need not wait for a container is answered at once; a supervisor that has not done so after this time hangs. */
const answerTimeoutMs = 10_000;

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
  #reaching: Promise<SupervisorInfo> | null = null;
  /** When this client started supervisors, as far as that matters. */
  #starts: number[] = [];
  readonly #closing = new AbortController();

  private constructor(options: SupervisorClientOptions) {
    this.#options = options;
    // Streams of events and logs are silent for as long as nothing happens.
    this.#pool = new Pool('http://supervisor', { socketPath: socketPathOf(options.folder), bodyTimeout: 0, headersTimeout: 0 });
  }

  /** Connects to the supervisor of the folder, or starts it. Events from now on will be heard. Error: `supervisor_failed`. */
  static async connect(options: SupervisorClientOptions): Promise<SupervisorClient> {
    const client = new SupervisorClient(options);
    try {
      client.#position = await client.#reachAgain();
    } catch (error) {
      await client.#pool.destroy();
      throw error;
    }
    client.#following = client.#followEvents();
    return client;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** The supervisor's process. */
  get pid(): number {
    return this.#pid;
  }

  /** When the supervisor's end has cut it off, this rejects once the next one is there: until then nothing could be started. */
  async start(request: StartRequest): Promise<void> {
    try {
      await this.#call('POST', '/containers', { body: request });
    } catch (error) {
      if (isLost(error)) await this.#reachAgain();
      throw error;
    }
  }

  /**
   * A supervisor that was lost took the container along: the next one does not know it. One that is there is asked again and again, since a
   * process can need long to die even when it is killed.
   */
  async stop(id: string, epoch: number, graceMs: number): Promise<void> {
    const path = `/containers/${encodeURIComponent(id)}?epoch=${epoch}&grace_ms=${graceMs}`;
    for (;;) {
      try {
        await this.#call('DELETE', path, { limitMs: graceMs + answerTimeoutMs });
        return;
      } catch (error) {
        if (!isLost(error)) throw error;
      }
      await this.#reachAgain();
    }
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

  /** Ends the connection; with `stopAll` every container and the supervisor first. One that does not end in time is killed. */
  async close({ stopAll, graceMs }: { stopAll: boolean; graceMs: number }): Promise<void> {
    if (this.#closed) return;
    this.#closing.abort();
    this.#lease?.cancel();
    try {
      if (stopAll) await this.#shutDown(graceMs);
    } finally {
      await this.#pool.destroy();
    }
  }

  async #shutDown(graceMs: number): Promise<void> {
    // One that starts just now has to end, too.
    await this.#reaching?.catch(() => undefined);
    try {
      await this.#call('POST', '/shutdown', { body: { grace_ms: graceMs }, limitMs: graceMs + answerTimeoutMs });
    } catch (error) {
      if (!isLost(error)) throw error;
      // Without anybody who could answer, it has died, and its containers with it.
      if (!(error instanceof NoAnswer)) return;
      this.#kill(error);
    }
    // It answers before it ends; its stream of events ends with it.
    await this.#following;
  }

  async #call(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    { body, limitMs = answerTimeoutMs }: { body?: unknown; limitMs?: number } = {},
  ): Promise<unknown> {
    const { clock } = this.#options;
    const limit = new AbortController();
    const timer = clock.at(clock.now() + limitMs, () => limit.abort());
    try {
      const headers = { 'content-type': 'application/json' };
      const content = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await this.#pool.request({ method, path, headers, signal: limit.signal, ...content });
      const text = await answer.body.text();
      if (answer.statusCode >= 400) throw errorOf(text);
      return text === '' ? undefined : JSON.parse(text);
    } catch (error) {
      if (limit.signal.aborted) throw new NoAnswer('supervisor_failed', `no answer to ${method} ${path} within ${limitMs / 1000} s`);
      throw asFailure(`the supervisor did not answer ${method} ${path}`, error);
    } finally {
      timer.cancel();
    }
  }

  async *#lines(path: string, signal?: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path, ...(signal ? { signal } : {}) });
    if (statusCode >= 400) throw errorOf(await body.text());
    yield* jsonLines(body);
  }

  /** Finds the supervisor, or starts one, and renews the lease; whoever misses it waits for the same one. Error: `supervisor_failed`. */
  #reachAgain(): Promise<SupervisorInfo> {
    return (this.#reaching ??= this.#reach().finally(() => (this.#reaching = null)));
  }

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
      await this.#startOne();
    }
  }

  async #startOne(): Promise<void> {
    const { clock } = this.#options;
    this.#starts = this.#starts.filter((at) => at > clock.now() - startsWindowMs);
    await this.#pause(pauseBeforeStart(this.#starts.length));
    if (this.#closed) return;
    this.#starts.push(clock.now());
    if (await spawnSupervisor(this.#options)) return;
    // Another supervisor of this folder begins or ends just now.
    this.#starts.pop();
    await this.#pause(retryMs);
  }

  /** Null: nobody listens there, or one who ends. One who hangs is killed, since it would hold its place for ever. */
  async #hello(): Promise<SupervisorInfo | null> {
    try {
      return (await this.#call('GET', '/supervisor')) as SupervisorInfo;
    } catch (error) {
      if (error instanceof NoAnswer) this.#kill(error);
      return null;
    }
  }

  /** It is ours: whoever owns the data folder owns its supervisor. It leads a group of its own; its containers end with it, see guard.ts. */
  #kill(reason: NoAnswer): void {
    const { folder, report } = this.#options;
    try {
      const { pid } = JSON.parse(readFileSync(join(folder, 'supervisor.json'), 'utf8')) as SupervisorInfo;
      process.kill(-pid, 'SIGKILL');
      const message = `the supervisor hangs: process ${pid} was killed, and its containers end with it`;
      report(new ComfleetError('supervisor_failed', message, {}, { cause: reason }));
    } catch (error) {
      // It has ended meanwhile, or it never told its number.
      report(error);
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
      if (this.#closed) return;
      this.#emit({ type: 'interrupted', at: this.#options.clock.now() });
      try {
        const { instance } = await this.#reachAgain();
        // From another instance a reset comes first of all.
        if (instance === this.#position.instance) this.#emit({ type: 'resumed', at: this.#options.clock.now() });
      } catch (error) {
        if (this.#closed) return;
        this.#options.report(error);
        await this.#pause(retryMs);
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
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.report(error);
      }
    }
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

  /** Ends early when this client is closed. */
  #pause(ms: number): Promise<void> {
    return pause(this.#options.clock, ms, this.#closing.signal);
  }
}

/** Somebody holds the supervisor's place and does not answer. */
class NoAnswer extends ComfleetError {}

/** The supervisor has died, ends, or does not answer. */
const isLost = (error: unknown): boolean => error instanceof ComfleetError && error.code === 'supervisor_failed';

function asFailure(what: string, error: unknown): ComfleetError {
  if (error instanceof ComfleetError) return error;
  return new ComfleetError('supervisor_failed', `${what}: ${error instanceof Error ? error.message : String(error)}`, {}, { cause: error });
}

/** The error of an answer, as `errors.ts` wrote it. */
function errorOf(problem: string): ComfleetError {
  const { code, detail } = JSON.parse(problem) as { code: ErrorCode; detail: string };
  return new ComfleetError(code, detail);
}
