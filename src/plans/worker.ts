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

parentPort?.on('message', (task: Task) => {
  void answer(task).then((done) => parentPort?.postMessage(done));
});

async function answer(task: Task): Promise<Done> {
  if (task === 'bound') return { task, bound: boundOf(prepared, await openHighs()) };
  return { task, run: evaluate(prepared, prepared.candidates[task] as PreparedPlan['candidates'][number]) };
}
