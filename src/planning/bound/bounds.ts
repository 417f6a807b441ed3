import type { Slo } from '../summary.ts';
import type { TraceJob } from '../trace.ts';
import { binsOf } from './bins.ts';
import { clairvoyantCost } from './clairvoyant.ts';
import { dualBound, type LinearSolver } from './linear-program.ts';
import { slackProgram, type SlackInput } from './slack-program.ts';
import { workPlusOneStart, zeroWaitOptimum } from './zero-wait.ts';

/** Time bins of a programme at most: 3,600 take seconds. */
const mostBins = 3_600;
/** Finer than this share of the target a bin makes the programme dearer and the bound hardly better. */
const mostBinsOfTarget = 40;

/** GPU-seconds that the cheapest possible run lies between. */
export interface Bounds {
  /** No policy that meets the target costs less: the best of the linear programme, and of all work and one start. */
  readonly lower: number;
  /** A plan that knows the future, meets the target and can be carried out; null: none was found. */
  readonly feasible: number | null;
  /** The linear programme's part of `lower`. */
  readonly linear: number;
  /** The cheapest plan in which no job waits. */
  readonly zeroWait: number;
}

export type BoundsInput = Pick<SlackInput, 'jobs' | 'startMs' | 'slo' | 'binMs'>;

/** Brackets the cost of the cheapest run of a trace that meets the target. The target must leave time for the jobs themselves. */
export function boundsOf(input: BoundsInput, solve: LinearSolver): Bounds {
  const { jobs, startMs } = input;
  if (jobs.length === 0) return { lower: 0, feasible: 0, linear: 0, zeroWait: 0 };
  const { program, bins, ready, rejects } = slackProgram({ ...input, lateMs: null, longJobsOnTime: false });
  const { columns, rowDuals } = solve(program);
  const linear = roundedDown(dualBound(program, rowDuals));
  const givenUp = new Set(rejects.flatMap(({ column, jobs: group }) => group.slice(0, Math.round(columns[column] as number))));
  const plan = ready.map((column) => columns[column] as number);
  return {
    lower: Math.max(linear, workPlusOneStart(jobs, startMs)),
    feasible: clairvoyantCost({ ...input, bins, ready: plan, givenUp }),
    linear,
    zeroWait: zeroWaitOptimum(jobs, startMs),
  };
}

/** `lower` of `boundsOf` alone, without looking for a plan. */
export function lowerBound(input: BoundsInput, solve: LinearSolver): number {
  const { jobs, startMs } = input;
  if (jobs.length === 0) return 0;
  const { program } = slackProgram({ ...input, lateMs: null, longJobsOnTime: false });
  return Math.max(roundedDown(dualBound(program, solve(program).rowDuals)), workPlusOneStart(jobs, startMs));
}

/** To hundredths, after taking off far more than the rounding of a sum of doubles comes to. */
export const roundedDown = (gpuSeconds: number): number => Math.floor((gpuSeconds - Math.abs(gpuSeconds) * 1e-9) * 100) / 100;

/**
 * The width of the bins for a trace, milliseconds: the target over a whole number, since a job may use the rest of its last bin too, as fine as
 * the limits allow; where even the target is too fine, twice as much until it fits.
 */
export function binMsOf(jobs: readonly TraceJob[], latencyMs: number, most = mostBins): number {
  const fits = (binMs: number): boolean => binsOf(jobs, { binMs, latencyMs }).length < most;
  for (let parts = mostBinsOfTarget; parts > 1; parts--) {
    const binMs = Math.ceil(latencyMs / parts);
    if (fits(binMs)) return binMs;
  }
  let binMs = latencyMs;
  while (!fits(binMs)) binMs *= 2;
  return binMs;
}

/** How many of the jobs can be within the target at all, and the latency that its share of the jobs could meet. */
export function possible(jobs: readonly TraceJob[], { p, latencyMs }: Pick<Slo, 'p' | 'latencyMs'>): { share: number; latencyMs: number } {
  const sorted = jobs.map(({ serviceMs }) => serviceMs).sort((a, b) => a - b);
  if (sorted.length === 0) return { share: 1, latencyMs: 0 };
  const within = sorted.filter((ms) => ms <= latencyMs).length;
  return { share: within / sorted.length, latencyMs: sorted[Math.ceil(p * sorted.length - 1e-9) - 1] as number };
}
