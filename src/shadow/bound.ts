import { createHash } from 'node:crypto';
import { binMsOf, boundsOf, possible } from '../planning/bound/bounds.ts';
import type { LinearSolver } from '../planning/bound/linear-program.ts';
import type { ReplayInput } from './replay.ts';

/** GPU-seconds that no policy which meets the target can undercut, and what they were solved for. */
export interface KnownBound {
  readonly hash: string;
  readonly gpuSeconds: number;
}

type BoundInput = Pick<ReplayInput, 'jobs' | 'scaling' | 'timing'>;

/** Of the target, what is left to a job's time on the GPU. */
const latencyOf = ({ scaling, timing }: BoundInput): number => Math.max(1, scaling.slo.latencyMs - timing.beforeMs - timing.afterMs);

/** Share of the jobs that can meet the target at all, and the latency that its share of them could meet. */
export function possibleOf(input: BoundInput): { share: number; latencyMs: number } {
  const { p } = input.scaling.slo;
  const { share, latencyMs } = possible(input.jobs, { p, latencyMs: latencyOf(input) });
  return { share, latencyMs: latencyMs + input.timing.beforeMs + input.timing.afterMs };
}

/** Solves the bound, unless it is the one that is known. The target must be possible. */
export function solveBound(input: BoundInput, known: KnownBound | null, solve: LinearSolver): KnownBound {
  const hash = hashOf(input);
  if (known?.hash === hash) return known;
  const { timing, scaling } = input;
  const first = input.jobs[0]?.arrivalMs ?? 0;
  const jobs = input.jobs.map((job) => ({ ...job, arrivalMs: job.arrivalMs - first }));
  const slo = { p: scaling.slo.p, latencyMs: latencyOf(input) };
  const { lower } = boundsOf({ jobs, startMs: timing.startMs, slo, binMs: binMsOf(jobs, slo.latencyMs) }, solve);
  return { hash, gpuSeconds: lower };
}

/** When the jobs came is counted from the first: the window moves on, its jobs may stay. */
function hashOf(input: BoundInput): string {
  const { jobs, timing, scaling } = input;
  const hash = createHash('sha256').update(JSON.stringify([timing.startMs, scaling.slo.p, latencyOf(input)]));
  const first = jobs[0]?.arrivalMs ?? 0;
  for (const { arrivalMs, serviceMs } of jobs) hash.update(`\n${arrivalMs - first},${serviceMs}`);
  return hash.digest('hex');
}
