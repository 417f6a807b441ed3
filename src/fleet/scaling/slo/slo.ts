import { aliveOf, type FleetSummary, type Policy } from '../policy.ts';
import type { ScalingSettings } from '../settings.ts';
import { idleWindowMs, learnGaps, noGaps, type IdleGaps } from './idle-gaps.ts';
import { serversFor } from './loss.ts';
import type { Observed } from './observations.ts';
import { planStarts } from './plan.ts';
import { quantileOf } from './service-times.ts';

/** How much one miss moves the correction, and its limits. */
const gain = Number(process.env['SLO_GAIN'] ?? 0.1);
const correctionLimits = [Number(process.env['SLO_LO'] ?? -3), 4] as const;
/** Of the misses that the target allows, so many are aimed at. */
const aimedAt = Number(process.env['SLO_AIM'] ?? 0.8);

interface Memory {
  readonly finished: number;
  readonly missed: number;
  readonly correction: number;
  readonly gaps: IdleGaps;
}

export const slo: Policy = {
  name: 'slo',
  settings: {},
  observes: true,
  decide(summary, settings, memory) {
    const observed = summary.observed as Observed;
    const { minContainers, maxContainers } = settings;
    const now = correct(observed, settings, memory as Memory | null);
    const base = standing(observed, settings, now.correction);
    const floor = Math.min(Math.max(minContainers, base, burst(observed, now.correction)), maxContainers ?? Infinity);
    const alive = aliveOf(summary);
    const { idleForMs } = summary;
    const startMs = observed.startSeconds * 1000;
    const reactive = startMs < settings.slo.latencyMs - observed.service.mean * 1000;
    const gaps = learnGaps(now.gaps, summary.now, Math.max(floor, reactive ? summary.busy + summary.starting : 0), startMs);
    const idleWindowsMs = idleForMs.map((_, n) => idleWindowMs(gaps, alive - n, startMs));
    const frees = observed.busyEnds.map((count, step) => count + (observed.startEnds[step] as number));
    const stepMs = observed.stepSeconds * 1000;
    const z = Math.max(Number(process.env['SLO_ZLO'] ?? -0.5), Number(process.env['SLO_Z'] ?? 2.5) + now.correction * Number(process.env['SLO_ZK'] ?? 0.5));
    const shift = Math.max(0, ((quantileOf(observed.service, z) - quantileOf(observed.service, 0)) * 1000) / stepMs);
    const startSteps = (observed.startSeconds * 1000 + 200) / stepMs;
    const outlook = { latestStarts: sooner(observed.latestStarts, Math.round(shift), Math.ceil(startSteps)), idle: idleForMs.length, serviceSteps: (observed.service.mean * 1000) / stepMs, startSteps };
    const plan = planStarts({ ...outlook, frees });
    const H = Math.max(Number(process.env['SLO_HD'] ?? 4) * observed.startSeconds, Number(process.env['SLO_HL'] ?? 4) * settings.slo.latencyMs / 1000);
    const backlog = observed.behind + plan.lost;
    const drain = backlog === 0 ? 0 : Math.floor((backlog / H + observed.rate) * observed.service.mean + 0.5) - alive;
    const first = alive === 0 && observed.behind > 0 ? 1 : 0;
    const start = Math.max(0, plan.start, drain, first, floor - alive);
    let stop = 0;
    let wakeAt = plan.nextStartIn === null ? null : summary.now + plan.nextStartIn * stepMs;
    if (start === 0) {
      const spare = Math.min(alive - floor, idleForMs.length);
      while (stop < spare && idleForMs[stop]! >= idleWindowsMs[stop]!) stop++;
      if (stop < spare) wakeAt = Math.min(wakeAt ?? Infinity, summary.now + idleWindowsMs[stop]! - idleForMs[stop]!);
    }
    let cancel = 0;
    if (process.env['SLO_NOCANCEL'] !== '1' && start === 0 && summary.queued === 0) {
      // The latest start is the highest level.
      const most = Math.min(summary.starting, alive - stop - floor);
      while (cancel < most && idleWindowMs(gaps, alive - stop - cancel, startMs) === 0) cancel++;
    }
    if (wakeAt === null && (floor > 0)) wakeAt = summary.now + 1000;
    return { start, stop, cancel, desired: alive + start - stop - cancel, wakeAt, memory: { ...now, gaps, base } as never, reason: reasonFor(start, stop, plan.start) };
  },
};

function reasonFor(start: number, stop: number, planned: number): string {
  if (start > 0) return planned > 0 ? `${planned} jobs would be late without a start` : 'floor';
  return stop > 0 ? 'idle longer than worth' : 'enough';
}

function correct(observed: Observed, settings: ScalingSettings, memory: Memory | null): Memory {
  const { finished, missed } = observed;
  const before = memory ?? { finished: 0, missed: 0, correction: 0, gaps: noGaps };
  const allowed = (1 - settings.slo.p) * aimedAt;
  const moved = before.correction + gain * (missed - before.missed - allowed * (finished - before.finished));
  return { ...before, finished, missed, correction: Math.min(Math.max(moved, correctionLimits[0]), correctionLimits[1]) };
}

/** Containers that have to be there before the jobs come: where a start takes longer than a job can wait. */
function standing(observed: Observed, { slo: target }: ScalingSettings, correction: number): number {
  const { service, rate, startSeconds } = observed;
  const missSeconds = Number(process.env['SLO_V'] ?? 8) * service.mean * Math.exp(correction);
  return serversFor({ rate, service, latencySeconds: target.latencyMs / 1000, startSeconds, missSeconds });
}

const sooner = (counts: readonly number[], by: number, least: number): number[] => {
  const moved = new Array<number>(counts.length).fill(0);
  counts.forEach((count, step) => (moved[step === counts.length - 1 ? step : Math.max(Math.min(step, least), step - by)]! += count));
  return moved;
};

function burst({ uncovered, service }: Observed, correction: number): number {
  const missSeconds = Number(process.env['SLO_V'] ?? 8) * service.mean * Math.exp(correction);
  let level = uncovered.length;
  while (level > 0 && missSeconds * (uncovered[level - 1] as number) <= 1) level--;
  return level;
}
