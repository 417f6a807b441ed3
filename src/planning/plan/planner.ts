import { leastJobs, type Slo } from '../summary.ts';
import { uncountedMs } from './account.ts';
import type { PlanBound } from './bound.ts';
import { keyOf, peers } from './candidates.ts';
import { cheapestOf, frontierOf, nearestOf, nextDollarOf, type NextDollar } from './choose.ts';
import type { PlanRun } from './evaluate.ts';
import type { PreparedPlan } from './question.ts';
import type { Sample } from './sample.ts';
import { notesOf } from './notes.ts';
import { sentencesOf } from './sentences.ts';

/** What others run as it comes, beside what is recommended. */
export type PlanPeer = PlanRun & {
  readonly name: string;
  /** Its cost, as so many times that of the recommended run; null: none is recommended. */
  readonly cost_ratio: number | null;
};

/** The answer to a question, every figure of it simulated. */
export interface Plan {
  readonly simulated: true;
  /** The cheapest that meets the target within the budget; null: none does. */
  readonly recommended: PlanRun | null;
  /** Where none is recommended, the one that comes nearest within the budget; null: one is, or the budget allows none at all. */
  readonly nearest: PlanRun | null;
  /** One is recommended. */
  readonly met: boolean;
  /** Jobs that the verdict rests on. */
  readonly jobs: number;
  /** What there is to say of it, in sentences. */
  readonly says: readonly string[];
  /** What the next dollar buys, what no policy undercuts, and how costs are counted, in sentences. */
  readonly notes: readonly string[];
  readonly frontier: readonly PlanRun[];
  readonly peers: readonly PlanPeer[];
  readonly next_dollar: NextDollar | null;
  readonly lower_bound_usd_per_hour: number | null;
  readonly lower_bound_gpu_seconds_per_hour: number | null;
  /** Why there is no bound. */
  readonly lower_bound_missing?: string;
  readonly slo: { readonly p: number; readonly latency_s: number };
  /** Latency at the target's share when no job waits: no fleet has a lower one. */
  readonly reachable_s: number;
  readonly price_usd_per_hour: number | null;
  readonly budget_usd_per_hour: number | null;
  readonly start_s: number;
  /** What a job takes outside the GPU. */
  readonly outside_s: number;
  /** What loading a model takes. */
  readonly load_s: number;
  readonly source: string;
  /** Of the source. */
  readonly span_s: number;
  /** Seconds at its beginning that no figure is of. */
  readonly uncounted_s: number;
  /** What of a longer source was simulated. */
  readonly sample?: Sample;
  readonly runs: readonly PlanRun[];
}

/** Puts the runs of all candidates, in their order, into an answer. */
export function planOf(prepared: PreparedPlan, runs: readonly PlanRun[], bound: PlanBound): Plan {
  const { question, spanMs, sample, reachableMs } = prepared;
  const { slo, usdPerHour, budgetUsdPerHour, source, startMs, outsideMs, loadMs } = question;
  const affordable = runs.filter((run) => withinBudget(run, budgetUsdPerHour));
  const recommended = cheapestOf(affordable);
  const nearest = recommended ? null : nearestOf(affordable);
  const jobs = (recommended ?? nearest ?? runs[0])?.jobs ?? 0;
  const frontier = frontierOf(runs);
  // Over the longest span of those that meet the target, so that it holds for each of them.
  const boundSpanS = Math.max(spanMs / 1000, ...runs.filter(({ meets }) => meets).map(({ span_s }) => span_s));
  const boundPerHour = 'missing' in bound ? null : (bound.gpuSeconds * 3_600) / boundSpanS;
  const plan: Omit<Plan, 'notes'> = {
    simulated: true,
    recommended,
    nearest,
    met: recommended !== null,
    jobs,
    says: sentencesOf(prepared, runs, { recommended, nearest, jobs }),
    frontier,
    peers: peersOf(runs, recommended),
    next_dollar: recommended && nextDollarOf(recommended, frontier),
    lower_bound_usd_per_hour: boundPerHour === null || usdPerHour === null ? null : (boundPerHour * usdPerHour) / 3600,
    lower_bound_gpu_seconds_per_hour: boundPerHour,
    ...('missing' in bound && { lower_bound_missing: bound.missing }),
    slo: sloOf(slo),
    reachable_s: reachableMs / 1000,
    price_usd_per_hour: usdPerHour,
    budget_usd_per_hour: budgetUsdPerHour,
    start_s: startMs / 1000,
    outside_s: (outsideMs.before + outsideMs.after) / 1000,
    load_s: loadMs / 1000,
    source: source.type === 'trace' ? source.trace.name : `${source.users.users} users`,
    span_s: spanMs / 1000,
    uncounted_s: uncountedMs(prepared) / 1000,
    ...(sample && { sample }),
    runs,
  };
  return { ...plan, notes: notesOf(plan) };
}

/** Settings can be applied: some are recommended, by enough jobs. */
export const isApplicable = ({ recommended, jobs }: Pick<Plan, 'recommended' | 'jobs'>): boolean =>
  recommended !== null && jobs >= leastJobs;

const sloOf = ({ p, latencyMs }: Slo): Plan['slo'] => ({ p, latency_s: latencyMs / 1000 });

const withinBudget = ({ usd_per_hour }: PlanRun, budget: number | null): boolean =>
  budget === null || (usd_per_hour !== null && usd_per_hour <= budget);

/** The cheapest first. */
function peersOf(runs: readonly PlanRun[], recommended: PlanRun | null): PlanPeer[] {
  const byKey = new Map(runs.map((run) => [keyOf(run), run]));
  return Object.entries(peers)
    .map(([name, peer]): PlanPeer => {
      const run = byKey.get(keyOf(peer)) as PlanRun;
      return { name, ...run, cost_ratio: recommended && run.gpu_seconds_per_hour / recommended.gpu_seconds_per_hour };
    })
    .sort((a, b) => a.gpu_seconds_per_hour - b.gpu_seconds_per_hour);
}
