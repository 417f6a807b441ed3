import type { TraceJob } from '../trace.ts';
import type { Bin } from './bins.ts';
import { leastOnTime, type SlackInput } from './slack-program.ts';
import { replay, type PlanStep } from './replay.ts';
import { zeroWaitOptimum } from './zero-wait.ts';

/** What the programme's ready containers are multiplied with before they are rounded up: real work is not divisible, and comes in bursts. */
const factors = [0, 0.7, 0.8, 0.9, 1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 1.8];
/** Those for traces with more jobs than `manyJobs`, whose replays take long. */
const fewFactors = [0, 1.05, 1.2];
const manyJobs = 20_000;

/** Below this a part of a container is the solver's noise. */
const leastPart = 1e-6;

export interface ClairvoyantInput extends Pick<SlackInput, 'jobs' | 'startMs' | 'slo'> {
  readonly bins: readonly Bin[];
  /** Ready containers in each bin, as the programme has them. */
  readonly ready: readonly number[];
  /** Jobs that the programme gives up. */
  readonly givenUp: ReadonlySet<number>;
}

/**
 * GPU-seconds of a plan that knows the future, meets the target and can really be carried out: so the optimum is no more than that. The
 * cheapest of the zero-wait optimum (where the target leaves time for the jobs themselves) and of replays of the programme's plan: multiplied,
 * with the least floor under it that meets the target, with the jobs that it gives up in their turn or behind all others, each at the
 * least cost of jobs that begin when these did. Null: none of them meets the target.
 */
export function clairvoyantCost(input: ClairvoyantInput): number | null {
  const { jobs, startMs, slo, givenUp } = input;
  const least = leastOnTime(jobs.length, slo.p);
  const meets = (responses: Iterable<number>): boolean => [...responses].filter((ms) => ms <= slo.latencyMs).length >= least;
  const costs: number[] = [];
  if (meets(jobs.map(({ serviceMs }) => serviceMs))) costs.push(zeroWaitOptimum(jobs, startMs));
  const orders = givenUp.size === 0 ? [givenUp] : [new Set<number>(), givenUp];
  for (const [factor, last] of (jobs.length > manyJobs ? fewFactors : factors).flatMap((value) =>
    orders.map((order) => [value, order] as const),
  )) {
    let [low, high] = [factor === 0 ? 1 : 0, 2 * Math.ceil(Math.max(...input.ready)) + 1];
    while (low <= high) {
      const floor = Math.floor((low + high) / 2);
      const responsesMs = replay({ jobs, startMs, plan: planOf(input, { factor, floor }), last });
      if (meets(responsesMs)) {
        costs.push(zeroWaitOptimum(begunAt(jobs, responsesMs), startMs));
        high = floor - 1;
      } else low = floor + 1;
    }
  }
  return costs.length === 0 ? null : Math.min(...costs);
}

/**
 * The jobs as if each arrived when it began: done without waiting, they have the same responses. So the cheapest containers for these very
 * beginnings are known exactly, and cost no more than those that were replayed.
 */
const begunAt = (jobs: readonly TraceJob[], responsesMs: Float64Array): TraceJob[] =>
  jobs
    .map((job, index) => ({ ...job, arrivalMs: job.arrivalMs + (responsesMs[index] as number) - job.serviceMs }))
    .sort((a, b) => a.arrivalMs - b.arrivalMs);

/**
 * Containers to have at each time, so that those of the programme are ready in time: the most that are wanted from now until a start from now is
 * over. That starts each one a start early, and keeps one over a gap exactly if that is not dearer than a new start.
 */
export function planOf(
  { ready, bins, startMs }: Pick<ClairvoyantInput, 'ready' | 'bins' | 'startMs'>,
  { factor, floor }: { factor: number; floor: number },
): PlanStep[] {
  const countOf = (part: number): number => (part < leastPart ? 0 : Math.max(floor, Math.ceil(part * factor - leastPart)));
  const wanted = bins.map(({ fromMs, widthMs }, bin) => ({
    fromMs: fromMs - startMs,
    toMs: fromMs + widthMs,
    containers: countOf(ready[bin] as number),
  }));
  const times = [...new Set(wanted.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].sort((a, b) => a - b);
  const steps: PlanStep[] = [];
  let first = 0;
  for (const atMs of times) {
    while (first < wanted.length && (wanted[first] as (typeof wanted)[number]).toMs <= atMs) first++;
    let containers = 0;
    for (let bin = first; bin < wanted.length; bin++) {
      const { fromMs, containers: these } = wanted[bin] as (typeof wanted)[number];
      if (fromMs > atMs) break;
      containers = Math.max(containers, these);
    }
    if (containers !== (steps.at(-1)?.containers ?? 0)) steps.push({ atMs, containers });
  }
  return steps;
}
