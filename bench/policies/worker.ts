import { parentPort } from 'node:worker_threads';
import type { Bounds } from '../../src/planning/bound/bounds.ts';
import type { LinearSolver } from '../../src/planning/bound/linear-program.ts';
import type { Candidate } from '../../src/planning/plan/candidates.ts';
import type { Slo } from '../../src/planning/summary.ts';
import type { Trace } from '../../src/planning/trace.ts';
import { drawTrace } from '../../src/planning/workloads.ts';
import { openHighs } from '../../src/solver/highs.ts';
import type { Case } from './cases.ts';
import { boundsOfCase, runOf, type Run } from './measure.ts';

/** One simulation, or the bounds of a draw. */
export interface Task {
  readonly case: Case;
  readonly seed: number;
  readonly slo: Slo;
  readonly what: Candidate | 'bounds';
}
export type Result = Run | Bounds;

/** A thread that does what it is told, one after the other. */
let trace: { readonly key: string; readonly drawn: Trace } | null = null;
let solver: Promise<LinearSolver> | null = null;

parentPort?.on('message', (task: Task) => void answer(task));

async function answer(task: Task): Promise<void> {
  const result: Result =
    task.what === 'bounds'
      ? boundsOfCase(task.case, traceOf(task), task.slo, await (solver ??= openHighs()))
      : runOf(task.case, { trace: traceOf(task), seed: task.seed, slo: task.slo, candidate: task.what });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
  parentPort?.postMessage(result);
}

/** Tasks of the same draw come after each other. */
function traceOf({ case: { workload }, seed }: Task): Trace {
  const key = `${workload} ${seed}`;
  if (trace?.key !== key) trace = { key, drawn: drawTrace(workload, seed) };
  return trace.drawn;
}
