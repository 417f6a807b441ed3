import type { ZeroSettings } from './kpa-zero.ts';
import type { KpaSettings } from './kpa.ts';
import type { PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';

/** Rates and percentages have no upper end that would mean anything. */
const much = 1_000_000;
const hourMs = 3_600_000;
const leastTarget = 0.01;

/** The policy's own settings; names, defaults and ranges are Knative's. */
export const concurrencySettings = {
  target_utilization: { default: 0.7, unit: 'number', min: 0.01, max: 1, what: 'Share of `target_inputs` to aim at per container.' },
  stable_window: { default: 60_000, unit: 'duration', min: 6_000, max: hourMs, what: 'Time over which the average is taken.' },
  panic_window_percentage: { default: 10, unit: 'number', min: 1, max: 100, what: 'The short window, in percent of the stable one.' },
  panic_threshold_percentage: {
    default: 200,
    unit: 'number',
    min: 110,
    max: 1_000,
    what: 'Panic begins when the short window wants so many percent of the ready containers; until it ends, the target only rises.',
  },
  max_scale_up_rate: { default: 1_000, unit: 'number', min: 1.01, max: much, what: 'At most so many times the ready containers at once.' },
  max_scale_down_rate: { default: 2, unit: 'number', min: 1.01, max: much, what: 'At least the ready containers divided by this stay.' },
  scale_down_delay: { default: 0, unit: 'duration', min: 0, max: hourMs, what: 'The target is the highest wish of the last so long.' },
  activation_scale: { default: 1, unit: 'number', min: 1, max: 10_000, what: 'Any wish above zero is at least this.' },
  target_burst_capacity: {
    default: 211,
    unit: 'number',
    min: 0,
    max: much,
    what: 'Room wanted for a burst; while there is less, the last container may go without the grace.',
  },
  scale_to_zero_grace: {
    default: 30_000,
    unit: 'duration',
    min: 6_000,
    max: hourMs,
    what: 'How long the last container is kept otherwise.',
  },
} as const satisfies Record<string, PolicySetting>;

/** The recommender's settings for a deployment. */
export function kpaSettings(settings: ScalingSettings): KpaSettings {
  const own = reader(settings);
  const stableWindowMs = own('stable_window');
  return {
    aggregation: 'linear',
    stableWindowMs,
    panicWindowMs: Math.max(1, Math.round((stableWindowMs * (own('panic_window_percentage') / 100)) / 1_000)) * 1_000,
    panicThreshold: own('panic_threshold_percentage') / 100,
    maxScaleUpRate: own('max_scale_up_rate'),
    maxScaleDownRate: own('max_scale_down_rate'),
    scaleDownDelayMs: own('scale_down_delay'),
    activationScale: Math.round(own('activation_scale')),
    targetValue: Math.max(leastTarget, settings.targetInputs * own('target_utilization')),
    totalValue: settings.targetInputs,
    targetBurstCapacity: own('target_burst_capacity'),
    reachable: true,
  };
}

/** What holds the last container. A queue is always there, so nothing has to become active and nothing is retained. */
export function zeroSettings(settings: ScalingSettings): ZeroSettings {
  const own = reader(settings);
  const given = { stableWindowMs: own('stable_window'), graceMs: own('scale_to_zero_grace') };
  return { ...given, enabled: true, retentionMs: 0, deadlineMs: 0, reachable: true };
}

const reader =
  ({ policySettings }: ScalingSettings) =>
  (name: keyof typeof concurrencySettings): number =>
    policySettings[name] ?? concurrencySettings[name].default;
