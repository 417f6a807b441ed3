import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../fleet/clock.ts';
import type { KnownBound } from './bound.ts';
import type { ReplayInput, Runs } from './replay.ts';

export interface ReplayTask {
  readonly input: ReplayInput;
  /** The bound of the last time. */
  readonly known: KnownBound | null;
}

export interface Replay {
  readonly runs: Runs;
  /** See `possibleOf`. */
  readonly possible: { readonly share: number; readonly latencyMs: number };
  readonly bound: KnownBound | null;
  /** Why there is no bound. */
  readonly boundNote: string | null;
}

export type ReplayMessage =
  | ({ readonly kind: 'runs' } & Pick<Replay, 'runs' | 'possible'>)
  | { readonly kind: 'bound'; readonly bound: KnownBound | null; readonly note: string | null };

/** Replays in a thread that ends with it. Rejects when the thread fails, takes too long, or `signal` ends it, before there were runs; later, there is no bound. */
export type Replayer = (task: ReplayTask, signal: AbortSignal) => Promise<Replay>;

export interface ReplayerOptions {
  readonly clock: Clock;
  /** So long may one take. */
  readonly limitMs: number;
  /** For tests: another thread. */
  readonly module?: URL;
}

/** Memory of the thread; 50,000 jobs take a tenth of it. */
const heapMb = 512;
const module = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

export function createReplayer({ clock, limitMs, module: other }: ReplayerOptions): Replayer {
  return (task, signal) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(other ?? module, { workerData: task, resourceLimits: { maxOldGenerationSizeMb: heapMb } });
      let done: Pick<Replay, 'runs' | 'possible'> | null = null;
      let cause: string | null = null;
      const stop = (why: string) => (): void => {
        cause = why;
        void worker.terminate();
      };
      const stopped = stop('it was stopped');
      const timer = clock.at(clock.now() + limitMs, stop(`it took longer than ${limitMs / 1000} s`));
      signal.addEventListener('abort', stopped);
      worker.on('message', (message: ReplayMessage) => {
        if (message.kind === 'runs') done = { runs: message.runs, possible: message.possible };
        else if (done) resolve({ ...done, bound: message.bound, boundNote: message.note });
      });
      worker.on('error', (error) => (cause ??= error instanceof Error ? error.message : String(error)));
      worker.on('exit', (code) => {
        timer.cancel();
        signal.removeEventListener('abort', stopped);
        const why = cause ?? `its thread ended with code ${code}`;
        // Has no effect where the bound came.
        if (done && !signal.aborted) resolve({ ...done, bound: null, boundNote: `it could not be solved: ${why}` });
        else reject(new Error(why));
      });
      if (signal.aborted) stopped();
    });
}
