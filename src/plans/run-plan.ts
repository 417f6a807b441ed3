import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { flatScaling } from '../config/flat-scaling.ts';
import type { PlanBound } from '../planning/plan/bound.ts';
import type { PlanRun } from '../planning/plan/evaluate.ts';
import { planOf, type Plan } from '../planning/plan/planner.ts';
import { preparePlan } from '../planning/plan/prepare.ts';
import type { PlanQuestion, PreparedPlan } from '../planning/plan/question.ts';
import type { Done, Task } from './worker.ts';

export interface PlanOptions {
  /** Threads; left out: all cores but one. The answer does not depend on it. */
  readonly threads?: number;
  /** Told after each task, with the share that is done. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
}

/** Answers a question on threads of its own. Errors: those of `preparePlan`, at once; `signal`'s reason. */
export const runPlan = async (question: PlanQuestion, options: PlanOptions = {}): Promise<Plan> =>
  runPrepared(preparePlan(question, flatScaling), options);

/** The same for a question that was looked at already. */
export async function runPrepared(
  prepared: PreparedPlan,
  { threads = defaultThreads(), onProgress, signal: given }: PlanOptions = {},
): Promise<Plan> {
  const runs: PlanRun[] = [];
  let bound: PlanBound = { missing: 'it was not solved' };
  // The longest first, so that no thread is left with it at the end.
  const tasks: Task[] = ['bound', ...prepared.candidates.keys()];
  let done = 0;
  const take = (result: Done): void => {
    if (result.task === 'bound') bound = result.bound;
    else runs[result.task] = result.run;
    onProgress?.(++done / (prepared.candidates.length + 1));
  };
  // The first thread that fails stops the others.
  const stop = new AbortController();
  const signal = given ? AbortSignal.any([given, stop.signal]) : stop.signal;
  const one = (): Promise<void> => work(prepared, { tasks, take, signal }).catch((error: unknown) => stop.abort(error));
  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, one));
  signal.throwIfAborted();
  return planOf(prepared, runs, bound);
}

const defaultThreads = (): number => Math.max(1, availableParallelism() - 1);

const module = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/** One thread, which takes tasks until there are none left. */
async function work(prepared: PreparedPlan, { tasks, take, signal }: { tasks: Task[]; take: (done: Done) => void; signal: AbortSignal }) {
  signal.throwIfAborted();
  const worker = new Worker(module, { workerData: prepared });
  const ended = Promise.withResolvers<void>();
  const next = (): void => {
    const task = tasks.shift();
    if (task === undefined) return ended.resolve();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
    worker.postMessage(task);
  };
  const abort = (): void => ended.reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  worker.on('message', (result: Done) => {
    take(result);
    next();
  });
  worker.on('error', ended.reject);
  next();
  try {
    await ended.promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
