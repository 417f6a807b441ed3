import type { ScalingSettings } from '../fleet/scaling/settings.ts';
import { simulate } from '../planning/simulator.ts';
import { summarize, type Slo } from '../planning/summary.ts';
import type { TraceJob } from '../planning/trace.ts';
import { candidatesOf, fixedAt, type Candidate } from './candidates.ts';

/** How long things take at a deployment, milliseconds. */
export interface Timing {
  readonly startMs: number;
  /** What a job takes before its time on the GPU, its wait left out, and after it. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Loading a model onto a GPU that does not hold it. */
  readonly loadMs: number;
}

/** What is replayed. Everything in it can go to another thread. */
export interface ReplayInput {
  /** In the order of their arrival. */
  readonly jobs: readonly TraceJob[];
  readonly scaling: ScalingSettings;
  readonly timing: Timing;
  /** Containers that there is room for. */
  readonly slots: number;
  /** Length of the window. */
  readonly horizonMs: number;
  /** Price of a container for an hour, for budgets; null: none is set. */
  readonly usdPerHour: number | null;
}

/** A simulated run of the window. */
export interface Run {
  readonly name: string;
  readonly label: string;
  readonly attainment: number;
  readonly p95S: number;
  readonly gpuSeconds: number;
  readonly peakContainers: number;
  /** Does it answer the target's share of the jobs in time? */
  readonly meets: boolean;
}

export interface Runs {
  /** With the deployment's own settings, then the others. */
  readonly candidates: readonly [Run, ...Run[]];
  /** The fewest containers that meet the target when they always run; null: no number does. */
  readonly floor: (Run & { readonly containers: number }) | null;
  /** The cheapest run that meets the target if starts took only `fastStartMs`; null: none does, or they take hardly longer now. */
  readonly fast: Run | null;
}

/** A start that a container preloaded on its host takes, milliseconds: what faster starts would save is told by it. */
export const fastStartMs = 3_000;

/** Nobody runs more always to meet a target; and each event of a run costs more with each idle container. */
const mostAlwaysOn = 500;
/** How often the live controller asks a policy at most, milliseconds. */
const periodMs = 100;
/** As many containers as anything may ask for. */
const unlimited = 10_000;

/** Replays the window with the deployment's settings and with others, by the fleet's own code on virtual time. */
export function replay(input: ReplayInput): Runs {
  const [now, ...instead] = candidatesOf(input.scaling);
  const others = instead.map((candidate) => run(candidate, input));
  return { candidates: [run(now, input), ...others], floor: floorOf(input), fast: fastOf(instead, input) };
}

function run({ name, label, scaling }: Candidate, { jobs, timing, slots, horizonMs, usdPerHour }: ReplayInput): Run {
  const { startMs, beforeMs, afterMs, loadMs } = timing;
  const outsideMs = { before: beforeMs, after: afterMs };
  const source = { name: 'recorded', jobs };
  const outcome = simulate({ source, scaling, startMs, outsideMs, loadMs: () => loadMs, horizonMs, periodMs, usdPerHour, slots });
  const slo: Slo = scaling.slo;
  const { attainment, latency_s, gpu_seconds, peak_containers } = summarize(outcome, { slo, usdPerHour: null });
  return {
    name,
    label,
    attainment,
    p95S: latency_s.p95,
    gpuSeconds: gpu_seconds.total,
    peakContainers: peak_containers,
    meets: attainment >= slo.p,
  };
}

/**
 * Halves the range: with more containers that always run, no job waits longer. They have started before the window begins; that
 * is paid for, too, as in the other runs, which begin with nothing.
 */
function floorOf(input: ReplayInput): Runs['floor'] {
  const { startMs } = input.timing;
  const jobs = input.jobs.map((job) => ({ ...job, arrivalMs: job.arrivalMs + startMs }));
  const later = { ...input, jobs, horizonMs: input.horizonMs + startMs, slots: unlimited };
  const at = (containers: number): Run & { containers: number } => {
    const scaling = fixedAt(containers, input.scaling);
    return { ...run({ name: 'fixed', label: `fixed, min_containers=${containers}`, scaling }, later), containers };
  };
  let [tooFew, best] = [0, at(Math.min(mostAtOnce(input), mostAlwaysOn))];
  if (!best.meets) return null;
  while (best.containers - tooFew > 1) {
    const middle = at(Math.floor((tooFew + best.containers) / 2));
    if (middle.meets) best = middle;
    else tooFew = middle.containers;
  }
  return best;
}

/** Jobs at once if each began as it came: more containers help nobody. */
function mostAtOnce({ jobs, timing }: ReplayInput): number {
  const { beforeMs, afterMs, loadMs } = timing;
  const whole = (job: TraceJob): number => beforeMs + afterMs + job.serviceMs + (job.model === '' ? 0 : loadMs);
  const ends = jobs.map((job) => job.arrivalMs + whole(job)).sort((a, b) => a - b);
  let [most, ended] = [0, 0];
  for (const [index, { arrivalMs }] of jobs.entries()) {
    while ((ends[ended] as number) <= arrivalMs) ended++;
    most = Math.max(most, index + 1 - ended);
  }
  return most;
}

function fastOf(instead: readonly Candidate[], input: ReplayInput): Run | null {
  if (input.timing.startMs < 1.5 * fastStartMs) return null;
  const fast = { ...input, timing: { ...input.timing, startMs: fastStartMs }, slots: unlimited };
  const policies = instead.filter(({ scaling }) => scaling.policy === 'slo' || scaling.policy === 'per-input');
  return cheapest(policies.map((candidate) => run(candidate, fast)).filter(({ meets }) => meets));
}

/** Null: there are none. */
export const cheapest = <R extends Run>(runs: readonly R[]): R | null =>
  runs.reduce<R | null>((best, one) => (best === null || one.gpuSeconds < best.gpuSeconds ? one : best), null);
