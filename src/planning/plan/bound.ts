import { binMsOf, lowerBound } from '../bound/bounds.ts';
import type { LinearSolver } from '../bound/linear-program.ts';
import type { PreparedPlan } from './question.ts';

/** So many bins are solved in a second or two; three times as many make the bound higher by 2 % at most on the suite. */
const mostBins = 1_400;

/** GPU-seconds that no policy which meets the target undercuts, or why nobody can say. */
export type PlanBound = { readonly gpuSeconds: number } | { readonly missing: string };

/**
 * The bound of the jobs that a plan is made on. What a job spends outside the GPU is taken off its time: it arrives later and is due earlier
 * by as much for all jobs, so only the target changes.
 */
export function boundOf({ question }: PreparedPlan, solve: LinearSolver): PlanBound {
  const { source, slo, startMs, outsideMs } = question;
  if (source.type === 'users') return { missing: 'the jobs of users who wait depend on their answers' };
  const { jobs } = source.trace;
  const latencyMs = slo.latencyMs - outsideMs.before - outsideMs.after;
  const input = { jobs, startMs, slo: { p: slo.p, latencyMs }, binMs: binMsOf(jobs, latencyMs, mostBins) };
  return { gpuSeconds: lowerBound(input, solve) };
}
