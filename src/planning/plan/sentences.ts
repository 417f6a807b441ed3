import { byCost } from './choose.ts';
import type { PlanRun } from './evaluate.ts';
import { costOf, nameOf } from './names.ts';
import { nameOfShare } from './prepare.ts';
import type { PreparedPlan } from './question.ts';

/** What a person is told of a plan: what to do, whether that keeps the target, and else what would. */
export function sentencesOf(prepared: PreparedPlan, runs: readonly PlanRun[], recommended: PlanRun | null): string[] {
  return [...verdict(prepared, runs, recommended), ...sampled(prepared)];
}

function verdict({ question, demand }: PreparedPlan, runs: readonly PlanRun[], recommended: PlanRun | null): string[] {
  const { slo, usdPerHour, budgetUsdPerHour } = question;
  const share = nameOfShare(slo.p);
  const target = `${share}=${slo.latencyMs / 1000}s`;
  const [cheapest] = runs.filter(({ meets }) => meets).toSorted(byCost);
  if (recommended?.meets)
    return [
      `${nameOf(recommended)} is the cheapest of ${runs.length} settings that meets ${target}: ${costOf(recommended)}, ${latencies(recommended)}.`,
    ];
  const budget = budgetUsdPerHour === null ? null : `$${budgetUsdPerHour}/h`;
  const missed = recommended && `${nameOf(recommended)} comes nearest: ${percent(recommended.attainment)} in time, ${costOf(recommended)}.`;
  if (cheapest && recommended)
    return [
      `No setting meets ${target} for ${budget}.`,
      missed as string,
      `Meeting it costs ${costOf(cheapest)}, with ${nameOf(cheapest)}.`,
    ];
  if (budget !== null && recommended === null) {
    const [least] = runs.toSorted(byCost) as [PlanRun];
    const oneGpu = (budgetUsdPerHour as number) < (usdPerHour as number) ? ` (one GPU all the time: $${usdPerHour}/h)` : '';
    const meeting = cheapest ? ` Meeting ${target} costs ${costOf(cheapest)}, with ${nameOf(cheapest)}.` : '';
    return [
      `No setting costs as little as ${budget}${oneGpu}; the cheapest is ${nameOf(least)} for ${costOf(least)}, ${latencies(least)}.${meeting}`,
    ];
  }
  return [`None of ${runs.length} settings meets ${target}.`, missed as string, ...wouldMeet(runs, { share, peak: demand.peak, target })];
}

/** The lowest latency that some setting reaches, and what the largest standing floor comes to. */
function wouldMeet(runs: readonly PlanRun[], { share, peak, target }: { share: string; peak: number; target: string }): string[] {
  const [fastest] = runs.toSorted((a, b) => a.at_target_share_s - b.at_target_share_s || byCost(a, b)) as [PlanRun];
  const floor = runs.find(({ policy, settings }) => policy === 'fixed' && settings['min_containers'] === peak);
  return [
    `${share}=${fastest.at_target_share_s}s is reachable, with ${nameOf(fastest)} for ${costOf(fastest)}.`,
    ...(floor
      ? [
          `A standing floor of ${peak} containers, so that no job waits once they are ready, costs ${costOf(floor)}; the jobs that miss ${target} then come before that.`,
        ]
      : []),
  ];
}

function sampled({ sample, question }: PreparedPlan): string[] {
  if (!sample) return [];
  const parts = sample.parts.map(({ what, from_s, to_s }) => `${what} part (${from_s} s to ${to_s} s)`);
  const rest = question.source.type === 'trace' ? ', joined; costs per hour are those of these parts, not of all of it' : '';
  return [`Simulated on a sample of about ${sample.of_jobs} jobs: the ${parts.join(' and the ')}${rest}.`];
}

const latencies = ({ p50_s, p95_s }: PlanRun): string => `p50 ${p50_s.toFixed(1)} s, p95 ${p95_s.toFixed(1)} s (simulated)`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
