import { countNames, type RecordedCounts, type Recording } from './recorder.ts';
import type { GpuSeconds } from './simulated-containers.ts';
import type { SimulationOutcome } from './simulator.ts';
import type { TraceJob } from './trace.ts';

/** Percentiles of fewer jobs mean nothing. */
export const leastJobs = 20;

/** A latency target: the share `p` of the jobs is answered within `latencyMs`, in each window of `windowMs`. */
export interface Slo {
  readonly p: number;
  readonly latencyMs: number;
  readonly windowMs: number;
}

/** What a simulated run comes to. */
export interface RunSummary {
  /** All that came. */
  readonly jobs: number;
  /** Of them, those that were never answered; left out: none. */
  readonly unfinished?: number;
  /** Seconds from arrival to completion, by nearest rank, of the jobs that were answered; 0 where none was. */
  readonly latency_s: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Share of the jobs within the target's latency; those that were never answered are not. */
  readonly attainment: number;
  /** Share of the windows of arrivals, those without any left out, that meet the target. */
  readonly windows_attained: number;
  readonly gpu_seconds: GpuSeconds;
  /** GPU-seconds x price per hour / 3600; null: no price set. */
  readonly usd: number | null;
  readonly starts: number;
  readonly peak_containers: number;
  /** Models that were loaded in place of others. */
  readonly model_switches: number;
  /** Tries of jobs that lost their container; left out: none. */
  readonly retries?: number;
  readonly events: number;
  readonly timeline?: RunTimeline;
}

/** Counts over time: from `at_s` on for `period_s` seconds. Means to three places. */
export interface RunTimeline {
  readonly period_s: number;
  readonly points: readonly ({ readonly at_s: number } & RecordedCounts)[];
}

export function summarize(outcome: SimulationOutcome, { slo, usdPerHour }: { slo: Slo; usdPerHour: number | null }): RunSummary {
  const sorted = answeredOf(outcome.responsesMs);
  const unfinished = outcome.responsesMs.length - sorted.length;
  const { start, busy, idle, total } = outcome.gpuSeconds;
  return {
    jobs: outcome.jobs.length,
    ...(unfinished > 0 && { unfinished }),
    latency_s: { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) },
    attainment: share(outcome.responsesMs, slo.latencyMs),
    windows_attained: windowsAttained(outcome, slo),
    gpu_seconds: { start: milli(start), busy: milli(busy), idle: milli(idle), total: milli(total) },
    usd: usdPerHour === null ? null : (total * usdPerHour) / 3600,
    starts: outcome.starts,
    peak_containers: outcome.peakContainers,
    model_switches: outcome.modelSwitches,
    ...(outcome.retries > 0 && { retries: outcome.retries }),
    events: outcome.events,
  };
}

/** What was recorded, for programs that draw it. */
export const timelineOf = ({ periodMs, periods }: Recording): RunTimeline => ({
  period_s: periodMs / 1000,
  points: periods.map((counts, index) => {
    const rounded = countNames.map((name) => [name, { mean: milli(counts[name].mean), max: counts[name].max }]);
    return { at_s: (index * periodMs) / 1000, ...(Object.fromEntries(rounded) as RecordedCounts) };
  }),
});

/** Latencies of the jobs that were answered, the shortest first. */
export function answeredOf(responsesMs: Float64Array): Float64Array {
  const sorted = responsesMs.toSorted();
  const unanswered = sorted.indexOf(Infinity);
  return unanswered === -1 ? sorted : sorted.subarray(0, unanswered);
}

/** Latencies of all jobs, in their order; of those that were never answered, how long they had waited when the run ended. */
export const leastLatenciesMs = ({ jobs, responsesMs, endMs }: SimulationOutcome): Float64Array =>
  responsesMs.map((ms, index) => (ms === Infinity ? endMs - (jobs[index] as TraceJob).arrivalMs : ms));

/** Nearest rank: the ceil(p n)-th smallest, in seconds to the millisecond; 0 where there is none. */
export const percentile = (sortedMs: Float64Array, p: number): number =>
  milli((sortedMs[Math.max(0, Math.ceil(p * sortedMs.length) - 1)] ?? 0) / 1000);

/** Sums of whole milliseconds that went through floating point, as such again. */
const milli = (seconds: number): number => Math.round(seconds * 1000) / 1000;

const share = (responsesMs: Float64Array, latencyMs: number): number =>
  responsesMs.length === 0 ? 1 : responsesMs.reduce((count, ms) => count + (ms <= latencyMs ? 1 : 0), 0) / responsesMs.length;

function windowsAttained({ jobs, responsesMs }: SimulationOutcome, { p, latencyMs, windowMs }: Slo): number {
  const windows = new Map<number, { all: number; onTime: number }>();
  for (const [index, { arrivalMs }] of jobs.entries()) {
    const number = Math.floor(arrivalMs / windowMs);
    const window = windows.get(number) ?? { all: 0, onTime: 0 };
    window.all++;
    if ((responsesMs[index] as number) <= latencyMs) window.onTime++;
    windows.set(number, window);
  }
  if (windows.size === 0) return 1;
  return [...windows.values()].filter(({ all, onTime }) => onTime >= p * all).length / windows.size;
}
