import { leastJobs } from '../summary.ts';
import { byCost, cheapestOf } from './choose.ts';
import type { PlanRun } from './evaluate.ts';
import { costOf, nameOf, spanName } from './names.ts';
import { nameOfShare } from './prepare.ts';
import type { PreparedPlan } from './question.ts';

/** What was chosen: one of them, or none where the budget allows none. */
export interface Choice {
  readonly recommended: PlanRun | null;
  readonly nearest: PlanRun | null;
  /** Jobs that it rests on. */
  readonly jobs: number;
}

/** What a person is told of a plan: what to do, whether that keeps the target, and else what would. */
export const sentencesOf = (prepared: PreparedPlan, runs: readonly PlanRun[], choice: Choice): string[] => [
  ...few(prepared, choice.jobs),
  ...verdict(prepared, runs, choice),
  ...sampled(prepared, choice.jobs),
];

/** It stands before everything else: a verdict by a handful of jobs is none. */
function few({ question: { source, slo } }: PreparedPlan, jobs: number): string[] {
  if (jobs >= leastJobs) return [];
  const share = Number((slo.p * 100).toFixed(1));
  const percentile = `${share}${{ 1: 'st', 2: 'nd', 3: 'rd' }[share % 10] ?? 'th'}`;
  const then = source.type === 'users' ? 'Plan for a longer time.' : 'Plan again when more have come.';
  return [`Made from ${count(jobs, 'job')}: of fewer than ${leastJobs} a ${percentile} percentile means nothing. ${then}`];
}

function verdict({ question, demand, sample }: PreparedPlan, runs: readonly PlanRun[], { recommended, nearest }: Choice): string[] {
  const { slo, budgetUsdPerHour } = question;
  const share = nameOfShare(slo.p);
  const target = `${share}=${slo.latencyMs / 1000}s`;
  if (recommended) {
    const where = sample ? ' on a sample' : '';
    return [
      `${nameOf(recommended)} is the cheapest of ${runs.length} settings that meets ${target}${where}: ${costOf(recommended)}, ${latencies(recommended)}.`,
    ];
  }
  const cheapest = cheapestOf(runs);
  const meeting = cheapest && `costs ${costOf(cheapest)}, with ${nameOf(cheapest)}.`;
  if (!nearest) return [`${nothingAsCheap(question, runs)}${meeting ? ` Meeting ${target} ${meeting}` : ''}`];
  const missed = `${nameOf(nearest)} comes nearest: ${percent(nearest.attainment)} in time, ${costOf(nearest)}.`;
  if (meeting) return [`No setting meets ${target} for $${budgetUsdPerHour}/h.`, missed, `Meeting it ${meeting}`];
  return [`None of ${runs.length} settings meets ${target}.`, missed, ...wouldMeet(runs, { share, peak: demand.peak, target })];
}

function nothingAsCheap({ budgetUsdPerHour, usdPerHour }: PreparedPlan['question'], runs: readonly PlanRun[]): string {
  const [least] = runs.toSorted(byCost) as [PlanRun];
  const oneGpu = (budgetUsdPerHour as number) < (usdPerHour as number) ? ` (one GPU all the time: $${usdPerHour}/h)` : '';
  return `No setting costs as little as $${budgetUsdPerHour}/h${oneGpu}; the cheapest is ${nameOf(least)} for ${costOf(least)}, ${latencies(least)}.`;
}

/** The lowest latency that some setting reaches, and what the largest standing floor comes to. */
function wouldMeet(runs: readonly PlanRun[], { share, peak, target }: { share: string; peak: number; target: string }): string[] {
  const [fastest] = runs.toSorted((a, b) => a.at_target_share_s - b.at_target_share_s || byCost(a, b)) as [PlanRun];
  const floor = runs.find(({ policy, settings }) => policy === 'fixed' && settings['min_containers'] === peak);
  const standing = `A standing floor of ${count(peak, 'container')}`;
  return [
    `${share}=${fastest.at_target_share_s}s is reachable, with ${nameOf(fastest)} for ${costOf(fastest)}.`,
    ...(floor
      ? [
          `${standing} costs ${costOf(floor)}: no job waits once they are ready. What misses ${target} then came before that, or takes longer by itself.`,
        ]
      : []),
  ];
}

function sampled({ sample, question }: PreparedPlan, jobs: number): string[] {
  if (!sample) return [];
  const parts = sample.parts.map(({ what, from_s, to_s }) => `${what} part (${spanName(from_s)} to ${spanName(to_s)})`);
  if (question.source.type === 'users') return [`The sample: the ${parts.join(' and the ')}, ${jobs} of about ${sample.of_jobs} jobs.`];
  return [
    `The sample: ${jobs} of ${sample.of_jobs} jobs, those of the ${parts.join(' and the ')}, joined; costs per hour are those of these parts, not of all of it.`,
  ];
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

const latencies = ({ p50_s, p95_s }: PlanRun): string => `p50 ${p50_s.toFixed(1)} s, p95 ${p95_s.toFixed(1)} s (simulated)`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
