import type { Json } from '../../comfyui/protocol.ts';
import { concurrencySettings, kpaSettings, zeroSettings } from './concurrency-settings.ts';
import { scaleToZero, type Activity } from './kpa-zero.ts';
import { decisionMs, newKpa, recommend, recordSample, type KpaState, type Recommendation } from './kpa.ts';
import { aliveOf, type Decision, type FleetSummary, type Policy } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { nextMultiple, towards } from './towards.ts';

const sampleMs = 1_000;

interface Memory {
  readonly kpa: KpaState;
  /** What the recommender wanted last, and what that became within the limits and the rule for the last container. */
  readonly wish: number;
  readonly target: number;
  /** When the next sample is due; null: asleep. */
  readonly tickAt: number | null;
  /** `inFlightMs` at the last sample. */
  readonly inFlightMs: number;
  /** What the first job after zero has put into the window already. */
  readonly ahead: number;
  readonly activity: Activity;
  readonly activitySince: number;
  /** Since when the queue has been in front of the containers as a buffer for bursts; null: they have room enough. */
  readonly bufferedSince: number | null;
}

/**
 * As many containers as the average of what is in flight wants: ceil(average / (`target_inputs` * `target_utilization`)), on the scale
 * of the stable window, and, in panic, on the scale of the much shorter panic window, which then never lowers the target. This is the
 * autoscaler of Knative Serving (KPA): its metric windows, its decider with panic mode, rates, scale-down delay, activation scale and
 * burst capacity, and its rule for the last container, with its defaults. The queue stands for the activator: it is always there,
 * holds what comes while nothing runs, and has the first job after zero decided on at once.
 *
 * A sample is taken each second, a decision each even one; in between the number of containers is left alone.
 */
export const concurrency: Policy = {
  name: 'concurrency',
  settings: concurrencySettings,
  decide(summary, settings, memory) {
    const before = (memory as unknown as Memory | null) ?? beginning(summary);
    if (before.tickAt !== null && isDue(before.tickAt, summary)) return tick(before, summary, settings);
    if (before.wish === 0 && before.target === 0 && inFlightOf(summary) > 0) return firstJob(before, summary, settings);
    if (bounded(before.target, settings) !== before.target) return apply(before, summary, settings, boundedReason(before, settings));
    return leave(before, summary);
  },
};

/** Containers that are there already are taken for what was wanted. */
function beginning(summary: FleetSummary): Memory {
  const { now } = summary;
  const alive = aliveOf(summary);
  return {
    kpa: newKpa(now, readyOf(summary)),
    wish: alive,
    target: alive,
    tickAt: null,
    inFlightMs: summary.inFlightMs,
    ahead: 0,
    activity: alive > 0 ? 'active' : 'idle',
    activitySince: now,
    bufferedSince: now,
  };
}

/** A tick waits for everything else of its moment; one that was missed, since other events came first, is made up for at once. */
const isDue = (tickAt: number, { now, due }: FleetSummary): boolean => now > tickAt || (due && now === tickAt);

function tick(before: Memory, summary: FleetSummary, settings: ScalingSettings): Decision {
  const sampled = before.target > 0 || inFlightOf(summary) > 0 ? sample(before, summary, settings) : before;
  const after = { ...sampled, inFlightMs: summary.inFlightMs, tickAt: null };
  // The period is a whole number of samples, so that a tick that comes late still counts.
  if (Math.floor(summary.now / sampleMs) % (decisionMs / sampleMs) === 0) return decideAnew(after, summary, settings);
  return leave(after, summary);
}

/** One sample for all the time since the last one: a tick that comes late loses nothing. */
function sample(before: Memory, summary: FleetSummary, settings: ScalingSettings): Memory {
  const value = Math.max(0, (summary.inFlightMs - before.inFlightMs) / sampleMs - before.ahead);
  return { ...before, kpa: recordSample(before.kpa, kpaSettings(settings), summary.now, value), ahead: 0 };
}

function firstJob(before: Memory, summary: FleetSummary, settings: ScalingSettings): Decision {
  const kpa = recordSample(before.kpa, kpaSettings(settings), summary.now, 1);
  return decideAnew({ ...before, kpa, ahead: 1 }, summary, settings);
}

function decideAnew(before: Memory, summary: FleetSummary, settings: ScalingSettings): Decision {
  const recommendation = recommend(before.kpa, kpaSettings(settings), summary.now, readyOf(summary));
  if (!recommendation) return apply(before, summary, settings, 'nothing measured lately');
  const { state, desired, excessBurstCapacity } = recommendation;
  const bufferedSince = excessBurstCapacity < 0 || before.activity === 'idle' ? (before.bufferedSince ?? summary.now) : null;
  const after = { ...before, kpa: state, wish: desired, bufferedSince };
  const target = bounded(desired, settings);
  const settled = target > 0 ? active(after, target, summary.now) : towardsZero(after, summary.now, settings);
  return apply(settled, summary, settings, reasonOf(recommendation, settled.target, settings));
}

const active = (before: Memory, target: number, now: number): Memory =>
  before.activity === 'active' ? { ...before, target } : { ...before, target, activity: 'active', activitySince: now };

/** Nothing is wanted: the rule for the last container has the word. What was active for long enough becomes idle, and is asked about again. */
function towardsZero(before: Memory, now: number, settings: ScalingSettings): Memory {
  const input = {
    desired: 0,
    activity: before.activity,
    activityForMs: now - before.activitySince,
    bufferedForMs: before.bufferedSince === null ? 0 : now - before.bufferedSince,
    bufferAnswers: true,
  };
  const answer = scaleToZero(input, zeroSettings(settings));
  if (answer.apply) return { ...before, target: answer.scale };
  if (before.activity === 'idle') return before;
  return towardsZero({ ...before, activity: 'idle', activitySince: now, bufferedSince: before.bufferedSince ?? now }, now, settings);
}

function apply(wanted: Memory, summary: FleetSummary, settings: ScalingSettings, reason: string): Decision {
  const target = bounded(wanted.target, settings);
  return { ...leave({ ...wanted, target }, summary), ...towards(target, summary), reason };
}

/** Nothing is done. Called for each event: what it takes does not depend on the windows. */
function leave(before: Memory, summary: FleetSummary): Decision {
  const awake = before.target > 0 || inFlightOf(summary) > 0;
  const tickAt = before.tickAt ?? (awake ? nextMultiple(sampleMs, summary) : null);
  const memory = (tickAt === before.tickAt ? before : { ...before, tickAt }) as unknown as Json;
  return { start: 0, stop: 0, cancel: 0, desired: before.target, wakeAt: tickAt, reason: 'enough', memory };
}

const inFlightOf = ({ queued, running }: FleetSummary): number => queued + running;
const readyOf = ({ busy, idleForMs }: FleetSummary): number => busy + idleForMs.length;

const bounded = (wish: number, { minContainers, maxContainers }: ScalingSettings): number =>
  Math.min(Math.max(wish, minContainers), maxContainers ?? Infinity);

const boundedReason = ({ target }: Memory, { minContainers }: ScalingSettings): string =>
  target < minContainers ? `min_containers ${minContainers}` : 'over max_containers';

function reasonOf({ state, desired, stableAverage, panicAverage }: Recommendation, target: number, settings: ScalingSettings): string {
  if (desired < settings.minContainers) return `min_containers ${settings.minContainers}`;
  if (target === 0) return 'idle for the whole stable window';
  if (state.panicRenewedAt !== null) return `panic: ${brief(panicAverage)} in flight on average, ${desired} until it ends`;
  return `${brief(stableAverage)} in flight on average want ${desired}`;
}

const brief = (average: number): number => Math.round(average * 100) / 100;
