import type { Candidate } from '../../src/planning/plan/candidates.ts';
import { knative, measured, perInput, titleOf } from './cases.ts';
import { mean, runsOf, type Outcome } from './outcome.ts';
import type { Run } from './measure.ts';
import { geometricMean, meanRatio, type Ratio } from './ratio.ts';

/** What the cost of `slo` is divided by. */
export const comparisons = ['per-input', 'knative', 'tuned', 'bound', 'feasible'] as const;
export type Comparison = (typeof comparisons)[number];

/** `slo` against one other on one case. */
export interface Compared {
  /** Cost of `slo` / cost of the other, one for each seed. */
  readonly ratios: readonly number[];
  readonly ratio: Ratio;
  /** The share of jobs in time is that of the target, on the mean over the seeds. */
  readonly attains: boolean;
}

/** The figures of one case. */
export interface CaseFigures {
  readonly outcome: Outcome;
  /** `slo` has the target's share in time after the first fifth, on the mean over the seeds. */
  readonly attains: boolean;
  readonly runs: readonly Run[];
  /** Null: there is none. */
  readonly against: Readonly<Record<Comparison, Compared | null>>;
  /** The best setting of any other policy. Null: none attains. */
  readonly tuned: Candidate | null;
  /** The same, chosen anew in hindsight of each draw: an oracle that nobody has. */
  readonly oracle: Compared | null;
}

export const attainmentOf = (runs: readonly Run[]): number => mean(runs.map(({ attainment }) => attainment));

export const costOf = ({ gpu_seconds }: Run): number => gpu_seconds.total;

const meets = (share: number, { slo }: Outcome): boolean => share >= slo.p;

/** `costs`: of the other, one for each seed. */
function compare(runs: readonly Run[], costs: readonly number[], attains: boolean): Compared {
  const ratios = runs.map((run, index) => costOf(run) / (costs[index] as number));
  return { ratios, ratio: geometricMean(ratios), attains };
}

export function against(outcome: Outcome, candidate: Candidate): Compared {
  const theirs = runsOf(outcome, candidate);
  return compare(runsOf(outcome, measured), theirs.map(costOf), meets(attainmentOf(theirs), outcome));
}

const others = ({ candidates }: Outcome): Candidate[] => candidates.filter(({ policy }) => policy !== measured.policy);

/** The cheapest setting that attains over all draws: what somebody would find who tried them all on this workload. */
export function tunedOf(outcome: Outcome): Candidate | null {
  const attaining = others(outcome).filter((one) => meets(attainmentOf(runsOf(outcome, one)), outcome));
  const cost = (one: Candidate): number => meanRatio(runsOf(outcome, one).map(costOf));
  return attaining.toSorted((a, b) => cost(a) - cost(b))[0] ?? null;
}

function oracleOf(outcome: Outcome): Compared | null {
  const runs = runsOf(outcome, measured);
  const costs = runs.map((_, seed) => {
    const attaining = others(outcome).map((one) => runsOf(outcome, one)[seed] as Run);
    return Math.min(...attaining.filter(({ attainment }) => meets(attainment, outcome)).map(costOf));
  });
  return costs.every(Number.isFinite) ? compare(runs, costs, true) : null;
}

export function figuresOf(outcome: Outcome): CaseFigures {
  const runs = runsOf(outcome, measured);
  const tuned = tunedOf(outcome);
  const bounds = typeof outcome.bounds === 'string' ? [] : outcome.bounds;
  const feasible = bounds.map((one) => one.feasible ?? Number.NaN);
  const toBound = (costs: readonly number[]): Compared | null =>
    costs.length > 0 && costs.every((cost) => cost > 0) ? compare(runs, costs, true) : null;
  return {
    outcome,
    attains: meets(mean(runs.map(({ attainmentLater }) => attainmentLater)), outcome),
    runs,
    against: {
      'per-input': against(outcome, perInput),
      knative: against(outcome, knative),
      tuned: tuned && against(outcome, tuned),
      bound: toBound(bounds.map(({ lower }) => lower)),
      feasible: toBound(feasible),
    },
    tuned,
    oracle: oracleOf(outcome),
  };
}

/** `slo` against one other over all cases that count. */
export interface Overall {
  readonly cases: readonly CaseFigures[];
  /** Mean over cases and seeds; the interval is that of the seeds' means over the cases. Null: no case counts. */
  readonly ratio: Ratio | null;
  /** The case with the highest ratio. */
  readonly worst: { readonly title: string; readonly ratio: Ratio } | null;
}

/** Over the cases in which both attain. */
export function overall(figures: readonly CaseFigures[], comparison: Comparison): Overall {
  const cases = figures.filter((one) => one.attains && one.against[comparison]?.attains === true);
  const compared = cases.map((one) => one.against[comparison] as Compared);
  const perSeed = (compared[0]?.ratios ?? []).map((_, seed) => meanRatio(compared.map(({ ratios }) => ratios[seed] as number)));
  const worst = cases
    .map(({ outcome, against: of }) => ({ title: titleOf(outcome.case), ratio: (of[comparison] as Compared).ratio }))
    .toSorted((a, b) => b.ratio.mean - a.ratio.mean)[0];
  return { cases, ratio: perSeed.length === 0 ? null : geometricMean(perSeed), worst: worst ?? null };
}
