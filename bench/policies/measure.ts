import { flatScaling } from '../../src/config/flat-scaling.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';
import { binMsOf, boundsOf, possible, type Bounds } from '../../src/planning/bound/bounds.ts';
import type { LinearSolver } from '../../src/planning/bound/linear-program.ts';
import type { Candidate } from '../../src/planning/plan/candidates.ts';
import { simulate } from '../../src/planning/simulator.ts';
import { summarize, type RunSummary, type Slo } from '../../src/planning/summary.ts';
import type { Trace } from '../../src/planning/trace.ts';
import { workloadOf, type Case } from './cases.ts';

/** How often the live controller asks a policy at most, milliseconds. */
const periodMs = 100;
/** As many GPUs as any policy may ask for. */
const slots = 10_000;
/** The first part of a run, in which a policy may still be learning. */
export const learningShare = 0.2;
/** Longer traces take minutes to bound. */
const mostJobsToBound = 20_000;

/** One policy on one draw of a case. Simulated. */
export interface Run extends Omit<RunSummary, 'timeline' | 'usd' | 'events'> {
  /** Share within the target, of the jobs that came after the first fifth of the run. */
  readonly attainmentLater: number;
  readonly spanSeconds: number;
}

/** `slo`: the workload's, or another one. */
export function runOf(one: Case, { trace, seed, slo, candidate }: { trace: Trace; seed: number; slo: Slo; candidate: Candidate }): Run {
  const { faults, modelLoadSeconds } = workloadOf(one);
  const outcome = simulate({
    source: trace,
    scaling: flatScaling(candidate.policy, candidate.settings, { ...defaultScaling, slo }),
    startMs: one.startSeconds * 1000,
    ...(faults && { faults }),
    ...(modelLoadSeconds && { loadMs: (draw) => 1000 * modelLoadSeconds(draw) }),
    seed,
    horizonMs: null,
    periodMs,
    slots,
  });
  const spanMs = trace.jobs.at(-1)?.arrivalMs ?? 0;
  const later = [...outcome.responsesMs].filter((_, index) => (outcome.jobs[index]?.arrivalMs as number) >= learningShare * spanMs);
  return {
    ...summarize(outcome, { slo, usdPerHour: null }),
    attainmentLater: later.length === 0 ? 1 : later.filter((ms) => ms <= slo.latencyMs).length / later.length,
    spanSeconds: spanMs / 1000,
  };
}

/** Why there are no bounds of a case; null: there are. */
export function boundsMissing(one: Case, trace: Trace, slo: Slo): string | null {
  const { faults, modelLoadSeconds } = workloadOf(one);
  if (faults) return 'faults are not in the programme';
  if (modelLoadSeconds) return 'loads of models are not in the programme';
  if (trace.jobs.length > mostJobsToBound) return `more than ${mostJobsToBound} jobs`;
  return possible(trace.jobs, slo).share < slo.p ? 'the jobs themselves take longer than the target' : null;
}

export const boundsOfCase = (one: Case, trace: Trace, slo: Slo, solve: LinearSolver): Bounds =>
  boundsOf({ jobs: trace.jobs, startMs: one.startSeconds * 1000, slo, binMs: binMsOf(trace.jobs, slo.latencyMs) }, solve);
