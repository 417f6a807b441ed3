import type { PolicyName } from '../../fleet/scaling/settings.ts';
import { simulate } from '../simulator.ts';
import { leastLatenciesMs, summarize } from '../summary.ts';
import { closedLoopOf } from '../uniform-users.ts';
import { accountOf, recordedPeriods } from './account.ts';
import type { Candidate } from './candidates.ts';
import type { PreparedCandidate, PreparedPlan } from './question.ts';

/** How often the live controller asks a policy at most, milliseconds. */
const periodMs = 100;
/** As many GPUs as any policy may ask for. */
const slots = 10_000;

/** What one candidate comes to. Simulated. */
export interface PlanRun {
  readonly policy: PolicyName;
  readonly settings: Candidate['settings'];
  /** GPU-seconds per hour x price per hour / 3600; null: no price. */
  readonly usd_per_hour: number | null;
  /** For an hour of `span_s`. */
  readonly gpu_seconds_per_hour: number;
  /** What costs are counted over: from the first counted moment until the source ends and the last job is answered. */
  readonly span_s: number;
  readonly p50_s: number;
  readonly p95_s: number;
  readonly p99_s: number;
  /** Latency at the share of the target: `p95_s` where that is 0.95. */
  readonly at_target_share_s: number;
  readonly attainment: number;
  readonly windows_attained: number;
  readonly meets: boolean;
  readonly jobs: number;
  /** These two of the whole run, with what is not counted. */
  readonly starts: number;
  readonly peak_containers: number;
}

/** Simulates the source under one candidate. The same arguments give the same run, on whatever thread. */
export function evaluate(prepared: PreparedPlan, { policy, settings, scaling }: PreparedCandidate): PlanRun {
  const { source, slo, usdPerHour, startMs, outsideMs, horizonMs, seed, loadMs } = prepared.question;
  const simulated = simulate({
    source: source.type === 'trace' ? source.trace : closedLoopOf(source.users),
    scaling,
    startMs,
    outsideMs,
    horizonMs,
    seed,
    loadMs: () => loadMs,
    periodMs,
    slots,
    ...(source.type === 'users' && { periods: recordedPeriods }),
  });
  const { outcome, gpuSeconds, spanMs } = accountOf(simulated, prepared);
  const { latency_s, attainment, windows_attained, ...summary } = summarize(outcome, { slo, usdPerHour: null });
  const gpuSecondsPerHour = (Math.round(gpuSeconds * 1000) * 3_600) / spanMs;
  const sorted = leastLatenciesMs(outcome).sort();
  return {
    policy,
    settings,
    usd_per_hour: usdPerHour === null ? null : (gpuSecondsPerHour * usdPerHour) / 3600,
    gpu_seconds_per_hour: gpuSecondsPerHour,
    span_s: spanMs / 1000,
    p50_s: latency_s.p50,
    p95_s: latency_s.p95,
    p99_s: latency_s.p99,
    at_target_share_s: (sorted[Math.max(0, Math.ceil(slo.p * sorted.length - 1e-9) - 1)] ?? 0) / 1000,
    attainment,
    windows_attained,
    meets: attainment >= slo.p,
    jobs: summary.jobs,
    starts: summary.starts,
    peak_containers: summary.peak_containers,
  };
}
