import { parentPort, workerData } from 'node:worker_threads';
import { boundOf, type PlanBound } from '../planning/plan/bound.ts';
import { evaluate, type PlanRun } from '../planning/plan/evaluate.ts';
import type { PreparedPlan } from '../planning/plan/question.ts';
import { openHighs } from '../solver/highs.ts';

/** One thing to do: a candidate by its number, or the bound. */
export type Task = number | 'bound';
/** What came of it. */
export type Done = { task: number; run: PlanRun } | { task: 'bound'; bound: PlanBound };

/** A thread that does the tasks of one plan, one after the other, as it is told. */
const prepared = workerData as PreparedPlan;

parentPort?.on('message', (task: Task) => void answer(task));

async function answer(task: Task): Promise<void> {
  const done: Done =
    task === 'bound'
      ? { task, bound: boundOf(prepared, await openHighs()) }
      : { task, run: evaluate(prepared, prepared.candidates[task] as PreparedPlan['candidates'][number]) };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
  parentPort?.postMessage(done);
}
