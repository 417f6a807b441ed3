import { type Reconciled, reconcile } from './hpa-recommender.ts';
import type { HpaState } from './hpa-state.ts';
import { ownSetting } from './own-setting.ts';
import { aliveOf, type Decision, type FleetSummary, type Policy, type PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { nextMultiple, towards } from './towards.ts';

/** How often the controller looks, as its default is. */
export const reconcilePeriodMs = 15_000;

/** What an HPA can be told here, whoever switches it on and off. */
export const hpaSettings = {
  target_in_flight: { default: 1, unit: 'number', min: 0.01, max: 10_000, what: 'Jobs in flight per container that it aims at.' },
  tolerance: {
    default: 0.1,
    unit: 'number',
    min: 0,
    max: 1,
    what: 'While jobs in flight are no further from the target than this share of it, nothing changes.',
  },
  downscale_window: {
    default: 300_000,
    unit: 'duration',
    min: 0,
    max: 86_400_000,
    what: 'The highest number wished for in this time holds.',
  },
} as const satisfies Record<string, PolicySetting>;

/** The last target is the count that the controller reconciles, not the number that lives: what is starting or busy is no news to it. */
export type HpaMemory = { target: number; reason: string; reconcileAt: number; hpa: HpaState | null };

/**
 * Kubernetes' Horizontal Pod Autoscaler on the number of jobs in flight, as an external metric with an AverageValue: every 15 s
 *
 *     containers = ceil(jobs in flight / target_in_flight)
 *
 * unless that is within the tolerance of what there is; at most doubled at once (or 4), and down only when nothing higher was wished for
 * in the window. `hpa-recommender.ts` has the rule, which is that of the public controller. It never goes to zero: see `keda`.
 */
export const hpa: Policy = {
  name: 'hpa',
  settings: hpaSettings,
  decide(summary, settings, memory) {
    const before = memory as HpaMemory | null;
    if (before && !(summary.due && summary.now >= before.reconcileAt)) return between(before, summary, before.reconcileAt);
    const after = before ? reconcileInFlight(before, summary, settings) : firstMemory(summary, settings);
    return { ...towards(after.target, summary), wakeAt: after.reconcileAt, memory: after, reason: after.reason };
  },
};

/** Containers that are there already, after a restart or under another policy before, are judged by the reconciles to come. */
function firstMemory(summary: FleetSummary, settings: ScalingSettings): HpaMemory {
  const { min, max } = limitsOf(settings);
  const target = Math.min(Math.max(min, aliveOf(summary)), max);
  return { target, reason: `min_containers ${min}`, reconcileAt: nextAfter(reconcilePeriodMs, summary), hpa: null };
}

/** The target stands between its ticks: what is missing of it is started (one that was lost, or held back), and nothing is stopped. */
export function between(memory: HpaMemory, summary: FleetSummary, wakeAt: number | null): Decision {
  const start = Math.max(0, memory.target - aliveOf(summary));
  return { start, stop: 0, cancel: 0, desired: memory.target, wakeAt, memory, reason: start > 0 ? memory.reason : 'enough' };
}

/** One reconcile at the multiple of its period that has come. */
export function reconcileInFlight(before: HpaMemory, summary: FleetSummary, settings: ScalingSettings): HpaMemory {
  const { min, max } = limitsOf(settings);
  // Only a maximum of 0 takes the last one, and an HPA would leave it at that for good.
  const replicas = before.target === 0 ? min : before.target;
  const metric = summary.queued + summary.running;
  const inputs = { nowMs: lastMultiple(reconcilePeriodMs, summary), metric, replicas, ready: replicas };
  const result = reconcile(before.hpa, inputs, {
    targetType: 'AverageValue',
    target: ownSetting(hpaSettings, settings, 'target_in_flight'),
    tolerance: ownSetting(hpaSettings, settings, 'tolerance'),
    downscaleWindowMs: ownSetting(hpaSettings, settings, 'downscale_window'),
    min,
    max,
    behavior: null,
  });
  return {
    target: result.desired,
    reason: reasonFor(metric, result, min),
    reconcileAt: nextAfter(reconcilePeriodMs, summary),
    hpa: result.state,
  };
}

/** At least one while it is on, whatever `min_containers` says. */
function limitsOf({ minContainers, maxContainers }: ScalingSettings): { min: number; max: number } {
  const max = maxContainers ?? Infinity;
  return { min: Math.min(Math.max(1, minContainers), max), max };
}

function reasonFor(metric: number, { wish, desired, limit, stabilised }: Reconciled, min: number): string {
  if (limit === null && desired !== min) return 'over max_containers';
  if (limit === null || limit === 'TooFewReplicas') return `min_containers ${min}`;
  return stabilised ? `${metric} in flight, and ${desired} kept for the window` : `${metric} in flight want ${wish}`;
}

/** The first multiple of a period after now. */
export const nextAfter = (periodMs: number, summary: FleetSummary): number => nextMultiple(periodMs, { ...summary, due: true });

/** The time of the tick that has come: timers go off a little later, and windows are counted in whole ticks. */
export const lastMultiple = (periodMs: number, { now }: FleetSummary): number => Math.floor(now / periodMs) * periodMs;
