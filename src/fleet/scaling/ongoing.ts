import { type Hold, recommendOngoing } from './ongoing-recommender.ts';
import { ownSetting } from './own-setting.ts';
import { aliveOf, type FleetSummary, type Policy, type PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { nextMultiple, towards } from './towards.ts';

const tickMs = 1_000;

const own = {
  target_ongoing_requests: {
    default: 2,
    unit: 'number',
    min: 0.01,
    max: 10_000,
    what: 'Jobs in flight per ready container that it aims at; may be a fraction.',
  },
  upscale_delay: {
    default: 30_000,
    unit: 'duration',
    min: 0,
    max: 86_400_000,
    what: 'So long it must wish for more before it starts any.',
  },
  downscale_delay: { default: 600_000, unit: 'duration', min: 0, max: 86_400_000, what: 'So long it must wish for fewer before any goes.' },
  upscaling_factor: { default: 1, unit: 'number', min: 0.01, max: 100, what: 'Share of the way up that one step goes.' },
  downscaling_factor: { default: 1, unit: 'number', min: 0.01, max: 100, what: 'Share of the way down that one step goes.' },
  look_back_period: { default: 30_000, unit: 'duration', min: 1_000, max: 3_600_000, what: 'Time over which jobs in flight are averaged.' },
} as const satisfies Record<string, PolicySetting>;

/** What it remembers: the last decision, what it holds back, and the jobs in flight at the last ticks. */
type Memory = { target: number; hold: Hold | null; samples: number[] };

/**
 * Ray Serve's autoscaling, which is public code: containers = jobs in flight, averaged over the look-back, divided by
 * `target_ongoing_requests`; a wish has to hold for its delay before it is applied (`ongoing-recommender.ts` has the formula). At least
 * one container always, as there. It decides once a second; Ray does so ten times a second, which delays of seconds hide.
 */
export const ongoing: Policy = {
  name: 'ongoing',
  settings: own,
  decide(summary, settings, memory) {
    // The first tick is that of 1 s, also where time begins at 0.
    const wakeAt = Math.max(tickMs, nextMultiple(tickMs, summary));
    const before = memory as Memory | null;
    if (before && !summary.due) return { start: 0, stop: 0, cancel: 0, desired: before.target, wakeAt, memory, reason: 'enough' };
    const first = before ?? firstMemory(summary, settings);
    const after = summary.due ? tick(first, summary, settings) : first;
    return { ...towards(after.target, summary), wakeAt, memory: after, reason: reasonFor(after, settings) };
  },
};

/** Containers that are there already, after a restart or under another policy before, are judged by the ticks to come. */
function firstMemory(summary: FleetSummary, settings: ScalingSettings): Memory {
  const { min, max } = limitsOf(settings);
  return { target: Math.min(Math.max(min, aliveOf(summary)), max), hold: null, samples: [] };
}

function tick(before: Memory, summary: FleetSummary, settings: ScalingSettings): Memory {
  const kept = Math.max(1, Math.round(ownSetting(own, settings, 'look_back_period') / tickMs));
  const samples = [...before.samples, summary.queued + summary.running].slice(-kept);
  const inputs = {
    // The tick's own time: timers go off a little later, and delays are counted in whole ticks.
    nowMs: Math.floor(summary.now / tickMs) * tickMs,
    requests: meanOf(samples),
    running: summary.busy + summary.idleForMs.length,
    target: before.target,
  };
  const { desired, hold } = recommendOngoing(inputs, before.hold, {
    ...limitsOf(settings),
    targetOngoingRequests: ownSetting(own, settings, 'target_ongoing_requests'),
    upscaleDelayMs: ownSetting(own, settings, 'upscale_delay'),
    downscaleDelayMs: ownSetting(own, settings, 'downscale_delay'),
    downscaleToZeroDelayMs: null,
    upscalingFactor: ownSetting(own, settings, 'upscaling_factor'),
    downscalingFactor: ownSetting(own, settings, 'downscaling_factor'),
  });
  return { target: desired, hold, samples };
}

const limitsOf = ({ minContainers, maxContainers }: ScalingSettings) => ({
  min: Math.max(1, minContainers),
  max: maxContainers ?? Infinity,
});

const meanOf = (samples: readonly number[]): number => samples.reduce((sum, sample) => sum + sample, 0) / samples.length;

function reasonFor({ target, samples }: Memory, settings: ScalingSettings): string {
  if (samples.length === 0 || target === limitsOf(settings).min) return `min_containers ${target}`;
  return `${Number(meanOf(samples).toFixed(1))} in flight want ${target}`;
}
