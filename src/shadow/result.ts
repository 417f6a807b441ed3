import type { ShadowFigures } from '../telemetry/metrics.ts';
import { advise, isForbidden } from './advice.ts';
import type { ShadowMeasured, ShadowResult, ShadowRun } from './document.ts';
import { cheapest, fastStartMs, type ReplayInput, type Run } from './replay.ts';
import type { Replay } from './replayer.ts';

export interface ResultInput {
  readonly replay: Replay;
  readonly input: ReplayInput;
  /** Epoch milliseconds. */
  readonly window: { readonly from: number; readonly to: number };
  readonly at: number;
  readonly measured: ShadowMeasured;
}

/** What is told of a replay. */
export function resultOf(given: ResultInput): ShadowResult {
  const { replay, input, window, at, measured } = given;
  const { runs, possible, bound, boundNote } = replay;
  const { scaling, timing, slots, horizonMs, jobs, usdPerHour } = input;
  const { p, latencyMs } = scaling.slo;
  const hourly = (gpuSeconds: number): number | null => (usdPerHour === null ? null : (gpuSeconds * usdPerHour) / (horizonMs / 1000));
  const tell = (run: Run): ShadowRun => ({
    name: run.name,
    label: run.label,
    attainment: run.attainment,
    meets: run.meets,
    p95_s: run.p95S,
    gpu_seconds: run.gpuSeconds,
    usd_per_hour: hourly(run.gpuSeconds),
    peak_containers: run.peakContainers,
  });
  const [now] = runs.candidates;
  const told = {
    runs,
    slo: { p, latencyMs },
    windowMs: horizonMs,
    usdPerHour,
    budget: scaling.budget.hard ? scaling.budget.usdPerHour : null,
  };
  const allowed = runs.floor && !isForbidden(runs.floor, told) ? [...runs.candidates, runs.floor] : runs.candidates;
  const fast = runs.fast && { ...runs.fast, name: 'fast-starts', label: `${runs.fast.label}, if starts took ${fastStartMs / 1000} s` };
  const room = Math.min(slots, scaling.maxContainers ?? slots);
  return {
    at: time(at),
    window: { from: time(window.from), to: time(window.to), jobs: jobs.length },
    slo: { p, latency_s: latencyMs / 1000 },
    timing: { start_s: timing.startMs / 1000, outside_s: (timing.beforeMs + timing.afterMs) / 1000, load_s: timing.loadMs / 1000 },
    price_usd_per_hour: usdPerHour,
    measured,
    runs: [...runs.candidates, ...[runs.floor, fast].filter((run) => run !== null)].map(tell),
    best: cheapest(allowed.filter(({ meets }) => meets))?.name ?? null,
    bound:
      bound && bound.gpuSeconds > 0
        ? { gpu_seconds: bound.gpuSeconds, usd_per_hour: hourly(bound.gpuSeconds), ratio: now.gpuSeconds / bound.gpuSeconds }
        : null,
    bound_note: boundNote,
    sentence: advise({ ...told, room, possible }),
  };
}

const time = (at: number): string => new Date(at).toISOString();

/** What metrics tell of results. */
export const shadowFigures = (results: Iterable<{ deployment: string; environment: string; result: ShadowResult }>): ShadowFigures[] =>
  [...results].map(({ deployment, environment, result }) => ({
    deployment,
    environment,
    attainment: result.measured.attainment,
    runs: result.runs.map(({ name, usd_per_hour }) => ({ policy: name, usdPerHour: usd_per_hour })),
    boundRatio: result.bound?.ratio ?? null,
  }));
