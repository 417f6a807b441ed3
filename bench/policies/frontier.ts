import type { Bounds } from '../../src/planning/bound/bounds.ts';
import type { Point } from '../../src/charts/svg.ts';
import { measured, workloadOf, type Case } from './cases.ts';
import type { Run } from './measure.ts';
import { doAll } from './threads.ts';
import type { Task } from './worker.ts';

/** `slo` with one latency target after the other. */
export interface Sweep {
  readonly seed: number;
  readonly slo: readonly Run[];
  /** By latency, seconds: GPUs on the mean. */
  readonly bound: readonly Point[];
}

/** The case that it is done on, and its targets in seconds. */
export const sweptCase: Case = { workload: 'diurnal', startSeconds: 20 };
const latencies = [4.5, 5, 6, 7, 8, 10, 12, 16, 24];
const seed = 1;

export async function sweep(): Promise<Sweep> {
  const tasksOf = (what: Task['what']): Task[] =>
    latencies.map((latency) => ({ case: sweptCase, seed, slo: { ...workloadOf(sweptCase).slo, latencyMs: latency * 1000 }, what }));
  const results = await doAll([...tasksOf('bounds'), ...tasksOf(measured)], () => undefined);
  const bounds = results.slice(0, latencies.length) as Bounds[];
  const slo = results.slice(latencies.length) as Run[];
  const spanSeconds = slo[0]?.spanSeconds as number;
  return { seed, slo, bound: bounds.map(({ lower }, index) => ({ x: latencies[index] as number, y: lower / spanSeconds })) };
}
