import { between, type HpaMemory, hpaSettings, lastMultiple, nextAfter, reconcileInFlight, reconcilePeriodMs } from './hpa.ts';
import { poll } from './keda-recommender.ts';
import { ownSetting } from './own-setting.ts';
import { aliveOf, type FleetSummary, type Policy, type PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { nextMultiple, towards } from './towards.ts';

const own = {
  ...hpaSettings,
  polling_interval: {
    default: 30_000,
    unit: 'duration',
    min: 1_000,
    max: 3_600_000,
    what: 'How often it looks whether anything is in flight, which starts the first container and ends the last.',
  },
  cooldown: {
    default: 300_000,
    unit: 'duration',
    min: 0,
    max: 86_400_000,
    what: 'All go at the first poll that is longer than this after the last one that saw something in flight.',
  },
  activation_threshold: {
    default: 0,
    unit: 'number',
    min: 0,
    max: 1_000_000,
    what: 'More jobs than this must be in flight for a poll to count them.',
  },
} as const satisfies Record<string, PolicySetting>;

/** `pollAt` null: asleep, with nothing to look at. */
type Memory = HpaMemory & { pollAt: number | null; lastActiveAt: number | null };

/**
 * KEDA with one scaler on the number of jobs in flight. It polls at multiples of `polling_interval`: anything in flight takes it from 0
 * to one container (or `min_containers`); from there on an HPA decides (`hpa`), in the same instant where both are due. A poll that is
 * more than the cooldown after the last active one takes all, if `min_containers` is 0. A job that comes while nothing runs waits for
 * the next poll. The rule is that of the documentation and of the public code (`keda-recommender.ts`).
 */
export const keda: Policy = {
  name: 'keda',
  settings: own,
  decide(summary, settings, memory) {
    const known = (memory as Memory | null) ?? firstMemory(summary, settings);
    const before = known.pollAt === null && !isQuiet(summary, settings) ? awake(known, summary, settings) : known;
    const wakeAt = wakeAtOf(before);
    if (wakeAt === null || !(summary.due && summary.now >= wakeAt)) return between(before, summary, wakeAt);
    const after = tick(before, summary, settings);
    return { ...towards(after.target, summary), wakeAt: wakeAtOf(after), memory: after, reason: after.reason };
  },
};

/** Containers that are there already, after a restart or under another policy before, are judged by the polls to come. */
function firstMemory(summary: FleetSummary, { minContainers, maxContainers }: ScalingSettings): Memory {
  const target = Math.min(Math.max(minContainers, aliveOf(summary)), maxContainers ?? Infinity);
  return { target, reason: `min_containers ${minContainers}`, reconcileAt: 0, hpa: null, pollAt: null, lastActiveAt: null };
}

/** Nothing that a tick could see or change. */
const isQuiet = (summary: FleetSummary, { minContainers }: ScalingSettings): boolean =>
  summary.queued + summary.running + aliveOf(summary) + minContainers === 0;

/** The ticks go on as if there had been one at each multiple; the first are those of one period, also where time begins at 0. */
function awake(asleep: Memory, summary: FleetSummary, settings: ScalingSettings): Memory {
  const next = (periodMs: number): number => Math.max(periodMs, nextMultiple(periodMs, summary));
  return { ...asleep, pollAt: next(ownSetting(own, settings, 'polling_interval')), reconcileAt: next(reconcilePeriodMs) };
}

const wakeAtOf = ({ pollAt, reconcileAt }: Memory): number | null => (pollAt === null ? null : Math.min(pollAt, reconcileAt));

/** What has come of the two at this moment, the poll first. */
function tick(before: Memory, summary: FleetSummary, settings: ScalingSettings): Memory {
  const polled = before.pollAt !== null && summary.now >= before.pollAt ? pollInFlight(before, summary, settings) : before;
  const after = summary.now >= before.reconcileAt ? { ...polled, ...reconcileOn(polled, summary, settings) } : polled;
  return after.target === 0 && isQuiet(summary, settings) ? { ...after, pollAt: null } : after;
}

function pollInFlight(before: Memory, summary: FleetSummary, settings: ScalingSettings): Memory {
  const pollingMs = ownSetting(own, settings, 'polling_interval');
  const metric = summary.queued + summary.running;
  const found = { replicas: before.target, lastActiveAt: before.lastActiveAt };
  const { replicas, lastActiveAt } = poll(
    found,
    { nowMs: lastMultiple(pollingMs, summary), metric },
    {
      min: settings.minContainers,
      cooldownMs: ownSetting(own, settings, 'cooldown'),
      idle: null,
      activationThreshold: ownSetting(own, settings, 'activation_threshold'),
    },
  );
  const target = Math.min(replicas, settings.maxContainers ?? Infinity);
  const reason = target > before.target ? `${metric} in flight want ${target}` : 'idle for longer than the cooldown';
  const told = target === before.target ? before.reason : reason;
  return { ...before, target, reason: told, lastActiveAt, pollAt: nextAfter(pollingMs, summary) };
}

/** At 0 the HPA is off. */
const reconcileOn = (before: Memory, summary: FleetSummary, settings: ScalingSettings): Partial<HpaMemory> =>
  before.target === 0 ? { reconcileAt: nextAfter(reconcilePeriodMs, summary) } : reconcileInFlight(before, summary, settings);
