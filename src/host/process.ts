import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Clock, Timer } from '../fleet/clock.ts';
import { probe } from '../comfyui/probe.ts';
import { comfyuiArguments, comfyuiEnvironment, databaseOf } from './command.ts';
import { guardScript } from './guard.ts';
import type { Launched, Launcher, Report } from './launcher.ts';
import { claimPort } from './port.ts';
import type { Launch, StartRequest } from './protocol.ts';
import { createStartLog, explainFailedStart } from './start-log.ts';

const startTimeoutMs = 600_000;
const tailLines = 12;
/** Time for the last lines of a container that has ended: a process that it put into another group can hold its pipes open for ever. */
const lastWordsMs = 1_000;

/** Real ComfyUI servers as processes of their own groups, each with its own port, folders, database and GPU. */
export function createProcessLauncher({ clock, env }: { clock: Clock; env: NodeJS.ProcessEnv }): Launcher {
  return {
    launch(request, folder, report) {
      if (request.launch.kind !== 'process') throw new Error(`a ${request.launch.kind} container is not for this launcher`);
      const container = new ProcessContainer({ clock, env, launch: request.launch, request, folder, report });
      void container.start();
      return container;
    },
  };
}

interface Parts {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly launch: Extract<Launch, { kind: 'process' }>;
  readonly request: StartRequest;
  readonly folder: string;
  readonly report: Report;
}

class ProcessContainer implements Launched {
  readonly #parts: Parts;
  readonly #exited = Promise.withResolvers<void>();
  readonly #tail: string[] = [];
  readonly #abort = new AbortController();
  #child: ChildProcess | null = null;
  #timeout: Timer | null = null;
  #stopping = false;
  #ready = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { clock, launch, folder, report } = this.#parts;
    try {
      for (const name of ['input', 'output', 'user']) mkdirSync(join(folder, name), { recursive: true });
      const { port, release } = await claimPort();
      void this.#exited.promise.then(release);
      if (this.#stopping) return this.#exited.resolve();
      this.#spawn(port);
      this.#timeout = clock.at(clock.now() + startTimeoutMs, () => this.#failStart('start_timeout', 'it was not ready after ten minutes'));
      void this.#followStart(`http://127.0.0.1:${port}`, launch);
    } catch (error) {
      this.#exited.resolve();
      report.exited('start_failed', error instanceof Error ? error.message : String(error));
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#abort.abort();
    this.#timeout?.cancel();
    if (!this.#child) return this.#exited.promise;
    this.#signal('SIGTERM');
    const { clock } = this.#parts;
    // One that is not ready has nothing to finish, and a process that has just been made can miss the first signal.
    const timer = clock.at(clock.now() + (this.#ready ? graceMs : 0), () => this.#signal('SIGKILL'));
    await this.#exited.promise;
    timer.cancel();
  }

  #spawn(port: number): void {
    const { launch, folder, report, env } = this.#parts;
    const child = spawn('/bin/sh', ['-c', guardScript, 'comfleet-guard', launch.python, ...comfyuiArguments(launch, folder, port)], {
      cwd: launch.path,
      env: comfyuiEnvironment(launch, env),
      detached: true,
      // Standard input stays open for as long as this process lives: see guard.ts.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    const phases = createStartLog(this.#parts.clock.now(), report);
    this.#read(child.stdout, 'stdout', phases);
    this.#read(child.stderr, 'stderr', phases);
    child.on('error', (error) => this.#gone(error.message));
    child.on('exit', (code, signal) => {
      // What it started and left behind goes with it, and so do the ends of its pipes that are held there.
      this.#signal('SIGKILL');
      const gone = (): void => (timer.cancel(), this.#gone(wayOut(code, signal)));
      const timer = this.#parts.clock.at(this.#parts.clock.now() + lastWordsMs, gone);
      child.once('close', gone);
    });
  }

  #read(stream: Readable, name: 'stdout' | 'stderr', phases: (line: string, at: number) => void): void {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      this.#parts.report.log(name, line);
      this.#tail.push(line);
      if (this.#tail.length > tailLines) this.#tail.shift();
      if (!this.#ready) phases(line, this.#parts.clock.now());
    });
  }

  /** It listens once its nodes are loaded, but is ready only when a prompt went through. */
  async #followStart(url: string, launch: Parts['launch']): Promise<void> {
    const { clock, report } = this.#parts;
    try {
      await probe({ url }, { clock, signal: this.#abort.signal, starting: { argument: databaseOf(this.#parts.folder) } });
      if (this.#stopping) return;
      this.#ready = true;
      this.#timeout?.cancel();
      report.ready({ url });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failStart(
        'start_failed',
        `it listens, but its probe prompt failed: ${error instanceof Error ? error.message : String(error)} (${launch.path})`,
      );
    }
  }

  #failStart(code: 'start_failed' | 'start_timeout', message: string): void {
    void this.stop(0).then(() => this.#parts.report.exited(code, `${message}\n${this.#tail.join('\n')}`));
  }

  #gone(how: string): void {
    const asked = this.#stopping;
    this.#stopping = true;
    this.#abort.abort();
    this.#timeout?.cancel();
    this.#exited.resolve();
    if (asked) return;
    const tail = this.#tail.join('\n');
    if (this.#ready) this.#parts.report.exited('crashed', `${how}\n${tail}`);
    else this.#parts.report.exited('start_failed', `${how}: ${explainFailedStart(tail)}`);
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // ESRCH: it has ended. EPERM: so it has, and macOS still counts its remains.
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

/** The guard passes on a signal as a code above 128, as shells do. */
function wayOut(code: number | null, signal: NodeJS.Signals | null): string {
  const number = code !== null && code > 128 ? code - 128 : null;
  const name = signal ?? Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined ? `it ended with code ${code}` : `it was killed by ${name}`;
}
