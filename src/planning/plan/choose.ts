import type { PlanRun } from './evaluate.ts';

/** The runs that no other beats at both: cheapest first, each with a lower p95 than all that cost no more. */
export function frontierOf(runs: readonly PlanRun[]): PlanRun[] {
  const frontier: PlanRun[] = [];
  for (const run of runs.toSorted(byCost)) if (run.p95_s < (frontier.at(-1)?.p95_s ?? Infinity)) frontier.push(run);
  return frontier;
}

/** The cheapest run that meets the target; null: none does. */
export const cheapestOf = (runs: readonly PlanRun[]): PlanRun | null => runs.filter(({ meets }) => meets).toSorted(byCost)[0] ?? null;

/** The run with the largest share of jobs in time; null: there are no runs. */
export const nearestOf = (runs: readonly PlanRun[]): PlanRun | null =>
  runs.toSorted((a, b) => b.attainment - a.attainment || byCost(a, b))[0] ?? null;

/** What is shown of the runs: the frontier, and what was chosen, which need not be on it. Cheapest first. */
export const shownOf = (frontier: readonly PlanRun[], chosen: PlanRun | null): PlanRun[] =>
  [...new Set(chosen ? [...frontier, chosen] : frontier)].toSorted(byCost);

/** What a little more money buys: the next run of the frontier that meets the target, too, with a lower p95. */
export interface NextDollar {
  readonly run: PlanRun;
  readonly more_usd_per_hour: number | null;
  readonly more_gpu_seconds_per_hour: number;
  /** How much lower its p95 is. */
  readonly less_p95_s: number;
}

export function nextDollarOf(chosen: PlanRun, frontier: readonly PlanRun[]): NextDollar | null {
  const run = frontier.find(
    ({ meets, gpu_seconds_per_hour, p95_s }) => meets && gpu_seconds_per_hour > chosen.gpu_seconds_per_hour && p95_s < chosen.p95_s,
  );
  if (!run) return null;
  return {
    run,
    more_usd_per_hour: run.usd_per_hour === null || chosen.usd_per_hour === null ? null : run.usd_per_hour - chosen.usd_per_hour,
    more_gpu_seconds_per_hour: run.gpu_seconds_per_hour - chosen.gpu_seconds_per_hour,
    less_p95_s: Math.round((chosen.p95_s - run.p95_s) * 1000) / 1000,
  };
}

/** Where costs are the same, the faster one. */
export const byCost = (a: PlanRun, b: PlanRun): number => a.gpu_seconds_per_hour - b.gpu_seconds_per_hour || a.p95_s - b.p95_s;
