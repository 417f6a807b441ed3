import { ownSetting } from './own-setting.ts';
import { aliveOf, type FleetSummary, type Policy, type PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { nextMultiple, towards } from './towards.ts';

const periodMs = 15_000;
const tolerance = 0.1;
/** A container that reports nothing counts as loaded so many times the target and tolerance, when it is asked whether there are too few. */
const unhealthyLoad = 1.5;

export interface FlashInputs {
  readonly atMs: number;
  readonly metricSum: number;
  /** The last decision, buffer included. */
  readonly current: number;
  /** Containers that are up. */
  readonly registered: number;
  /** Those of them whose load is known. */
  readonly withMetric: number;
}

export interface FlashSettings {
  /** Load per container that it aims at. */
  readonly target: number;
  readonly buffer: number;
  readonly min: number;
  /** Infinity: none. The buffer comes on top of it. */
  readonly max: number;
  readonly upWindowMs: number;
  readonly downWindowMs: number;
}

/** A wish with its time. */
export type Wish = [atMs: number, count: number];

/**
 * The ratio rule of Modal's web servers, as its Python SDK up to 1.5 had it. With P = what was decided last, less the buffer, at least 1:
 *
 *     up   = (load + 1.5 * 1.1 * silent * target) / P / target       above 1.1: the wish is ceil(P * up)
 *     down = (load + not reporting * target) / P / target            below 0.9: the wish is ceil(P * down)
 *
 * and P otherwise; 1 where there is nothing yet. `silent` are up but report nothing; containers that start do not report either.
 * More than now: the smallest wish of the up window; fewer: the largest of the down window. Limits are applied, then the buffer is
 * added. The order of operations decides how floating point rounds, so it is theirs. `wishes` are those before, oldest first.
 */
export function recommendFlash(inputs: FlashInputs, wishes: readonly Wish[], settings: FlashSettings) {
  const { atMs, current } = inputs;
  const wish = wishFor(inputs, settings);
  const oldest = atMs - Math.max(settings.upWindowMs, settings.downWindowMs);
  const kept: Wish[] = [...wishes.filter(([at]) => at >= oldest), [atMs, wish]];
  const within = (windowMs: number): number[] => kept.filter(([at]) => at >= atMs - windowMs).map(([, count]) => count);
  let count = current;
  if (wish > current) count = Math.max(current, Math.min(...within(settings.upWindowMs)));
  if (wish < current) count = Math.min(current, Math.max(...within(settings.downWindowMs)));
  const limited = Math.min(Math.max(count, settings.min), settings.max);
  return { wish, desired: limited + settings.buffer, wishes: kept };
}

function wishFor({ metricSum, current, registered, withMetric }: FlashInputs, { target, buffer }: FlashSettings): number {
  const replicas = Math.max(current, registered);
  if (replicas === 0) return 1;
  const provisioned = Math.max(replicas - buffer, 1);
  const up = (metricSum + unhealthyLoad * (1 + tolerance) * (registered - withMetric) * target) / provisioned / target;
  const down = (metricSum + (replicas - withMetric) * target) / provisioned / target;
  if (up > 1 + tolerance) return Math.max(1, Math.ceil(provisioned * up));
  if (down < 1 - tolerance) return Math.max(1, Math.ceil(provisioned * down));
  return provisioned;
}

const own = {
  scaleup_window: { default: 0, unit: 'duration', min: 0, max: 3_600_000, what: 'It grows to the smallest wish of so long.' },
  scaledown_window: { default: 300_000, unit: 'duration', min: 0, max: 3_600_000, what: 'It shrinks to the largest wish of so long.' },
} as const satisfies Record<string, PolicySetting>;

type Memory = { current: number; wishes: Wish[] };

/**
 * Scales by the ratio of jobs in flight to `target_inputs` per container, every 15 s; see `recommendFlash` for the formula. Modal-like:
 * the rule is the one that Modal published for web servers; what scales its Functions now is not public. It never goes to zero. Jobs
 * wait in one queue here, so those that wait count into the load, and every ready container reports.
 */
export const flash: Policy = {
  name: 'flash',
  settings: own,
  decide(summary, settings, memory) {
    const before = memory as Memory | null;
    const wakeAt = nextMultiple(periodMs, { now: summary.now, due: summary.due || !before });
    if (before && !summary.due) return { start: 0, stop: 0, cancel: 0, desired: before.current, wakeAt, memory, reason: 'enough' };
    const after = before ? tick(before, summary, settings) : firstMemory(summary, settings);
    const want = `${summary.queued + summary.running} in flight want ${after.current}`;
    const reason = before ? want : `min_containers ${after.current}`;
    return { ...towards(after.current, summary), wakeAt, memory: after, reason };
  },
};

/** The first step, which does not wait for the period. Containers that are there already are judged by the ticks to come. */
function firstMemory(summary: FleetSummary, settings: ScalingSettings): Memory {
  const { minContainers, maxContainers, bufferContainers } = settings;
  const count = Math.min(Math.max(1, minContainers, aliveOf(summary) - bufferContainers), maxContainers ?? Infinity);
  return { current: count + bufferContainers, wishes: [[tickOf(summary.now), count]] };
}

/** The tick's own time: timers go off a little later, and windows are counted in whole ticks. */
const tickOf = (now: number): number => Math.floor(now / periodMs) * periodMs;

function tick({ current, wishes }: Memory, summary: FleetSummary, settings: ScalingSettings): Memory {
  const { minContainers, maxContainers, bufferContainers, targetInputs } = settings;
  const ready = summary.busy + summary.idleForMs.length;
  const inputs = {
    atMs: tickOf(summary.now),
    metricSum: summary.queued + summary.running,
    current,
    registered: ready,
    withMetric: ready,
  };
  const after = recommendFlash(inputs, wishes, {
    target: targetInputs,
    buffer: bufferContainers,
    min: minContainers,
    max: maxContainers ?? Infinity,
    upWindowMs: ownSetting(own, settings, 'scaleup_window'),
    downWindowMs: ownSetting(own, settings, 'scaledown_window'),
  });
  return { current: after.desired, wishes: after.wishes };
}
