import { isStale, linearAverage, record, weightedAverage, type MetricWindow } from './kpa-window.ts';

/** The recommender of the policy `concurrency`: how many containers the average of what is in flight wants. Times are milliseconds. */

export interface KpaSettings {
  readonly aggregation: 'linear' | 'weighted-exponential';
  readonly stableWindowMs: number;
  readonly panicWindowMs: number;
  /** Panic begins when so many times the ready containers are wanted. */
  readonly panicThreshold: number;
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  readonly scaleDownDelayMs: number;
  /** Any wish above zero is at least this. */
  readonly activationScale: number;
  /** In flight per container: what is aimed at, and what it can take. */
  readonly targetValue: number;
  readonly totalValue: number;
  /** Room for so many more at once is wanted; -1: no room suffices. */
  readonly targetBurstCapacity: number;
  /** False: nothing is sent to it any more, so that it may shrink as fast as it likes. */
  readonly reachable: boolean;
}

/** Plain JSON. */
export interface KpaState {
  readonly stable: MetricWindow | null;
  readonly panic: MetricWindow | null;
  /** When panic began or was last renewed; null: no panic. */
  readonly panicRenewedAt: number | null;
  /** The highest wish of this panic. */
  readonly maxPanic: number;
  /** Wishes that still delay a scale-down, falling, each with its slot of time. */
  readonly delayed: readonly { readonly slot: number; readonly wish: number }[];
}

export interface Recommendation {
  readonly state: KpaState;
  readonly desired: number;
  readonly stableAverage: number;
  readonly panicAverage: number;
  /** Below zero: bursts need a buffer in front of the containers. */
  readonly excessBurstCapacity: number;
}

/** The recommender decides once in this time. */
export const decisionMs = 2_000;

/** The state before anything was measured. Whoever finds several containers at work assumes that they are needed: it begins in panic. */
export const newKpa = (now: number, ready: number): KpaState => ({
  stable: null,
  panic: null,
  panicRenewedAt: ready > 1 ? now : null,
  maxPanic: ready > 1 ? ready : 0,
  delayed: [],
});

/** The state with one more sample: what was in flight, averaged over a second. */
export const recordSample = (state: KpaState, settings: KpaSettings, at: number, value: number): KpaState => ({
  ...state,
  stable: record(state.stable, settings.stableWindowMs, at, value),
  panic: record(state.panic, settings.panicWindowMs, at, value),
});

/** What is wanted now; null when the last sample is too old to tell, and then the last wish stands. */
export function recommend(state: KpaState, settings: KpaSettings, now: number, ready: number): Recommendation | null {
  const { stable, panic } = state;
  if (!stable || !panic || isStale(stable, settings.stableWindowMs, now)) return null;
  const average = settings.aggregation === 'linear' ? linearAverage : weightedAverage;
  const stableAverage = average(stable, settings.stableWindowMs, now);
  const panicAverage = average(panic, settings.panicWindowMs, now);
  const atLeastOne = Math.max(1, ready);
  const byStable = within(Math.ceil(stableAverage / settings.targetValue), atLeastOne, settings);
  const panicWish = Math.ceil(panicAverage / settings.targetValue);
  const byPanic = within(panicWish, atLeastOne, settings);

  const panicRenewedAt = renewed(state.panicRenewedAt, panicWish / atLeastOne >= settings.panicThreshold, settings.stableWindowMs, now);
  const maxPanic = panicRenewedAt === null ? 0 : Math.max(state.maxPanic, byStable, byPanic);
  const wish = panicRenewedAt === null ? byStable : maxPanic;
  const delays = settings.scaleDownDelayMs > 0 && settings.reachable;
  const delayed = delays ? withWish(state.delayed, settings.scaleDownDelayMs, now, wish) : [];
  return {
    state: { ...state, panicRenewedAt, maxPanic, delayed },
    desired: delayed[0]?.wish ?? wish,
    stableAverage,
    panicAverage,
    excessBurstCapacity: excessOf(settings, ready, panicAverage),
  };
}

/** A wish as far as the rates allow it to be from what is ready. */
function within(wish: number, ready: number, settings: KpaSettings): number {
  const up = Math.ceil(settings.maxScaleUpRate * ready);
  const down = settings.reachable ? Math.floor(ready / settings.maxScaleDownRate) : 0;
  const allowed = Math.min(Math.max(wish, down), up);
  return wish > 0 && settings.activationScale > 1 ? Math.max(allowed, settings.activationScale) : allowed;
}

/** Panic lasts until its last cause has left the stable window. */
function renewed(at: number | null, over: boolean, stableWindowMs: number, now: number): number | null {
  if (over) return now;
  return at !== null && at + stableWindowMs < now ? null : at;
}

/** Wishes of the delay that are not yet over, the highest first; a lower one matters only once those above it have gone. */
function withWish(delayed: KpaState['delayed'], delayMs: number, now: number, wish: number): KpaState['delayed'] {
  const slot = Math.floor(now / decisionMs);
  const slots = Math.ceil(delayMs / decisionMs);
  return [...delayed.filter((earlier) => earlier.wish > wish && earlier.slot > slot - slots), { slot, wish }];
}

function excessOf(settings: KpaSettings, ready: number, panicAverage: number): number {
  if (settings.targetBurstCapacity === 0) return 0;
  if (settings.targetBurstCapacity < 0) return -1;
  return Math.floor(ready * settings.totalValue - settings.targetBurstCapacity - panicAverage);
}
