import type { PlanRun } from './evaluate.ts';

/** The runs that no other beats at both: cheapest first, each with a lower p95 than all that cost no more. */
export function frontierOf(runs: readonly PlanRun[]): PlanRun[] {
  const frontier: PlanRun[] = [];
  for (const run of runs.toSorted(byCost)) if (run.p95_s < (frontier.at(-1)?.p95_s ?? Infinity)) frontier.push(run);
  return frontier;
}

/** The cheapest run that meets the target; where none does, the one with the largest share of jobs in time. Null: there are no runs. */
export function bestOf(runs: readonly PlanRun[]): PlanRun | null {
  const [cheapest] = runs.filter(({ meets }) => meets).toSorted(byCost);
  const [nearest] = runs.toSorted((a, b) => b.attainment - a.attainment || byCost(a, b));
  return cheapest ?? nearest ?? null;
}

/** What a little more money buys: the next run of the frontier with a lower p95. */
export interface NextDollar {
  readonly run: PlanRun;
  readonly more_usd_per_hour: number | null;
  readonly more_gpu_seconds_per_hour: number;
  /** How much lower its p95 is. */
  readonly less_p95_s: number;
}

export function nextDollarOf(chosen: PlanRun, frontier: readonly PlanRun[]): NextDollar | null {
  const run = frontier.find(
    ({ gpu_seconds_per_hour, p95_s }) => gpu_seconds_per_hour > chosen.gpu_seconds_per_hour && p95_s < chosen.p95_s,
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
