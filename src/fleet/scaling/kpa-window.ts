/** Windows over values that come once a second, in buckets of one second. Nothing here is changed in place. */

/** Bucket `last` was written last; `values` ends with it and has one value for each second since the first write, holes as zeros. */
export interface MetricWindow {
  readonly last: number;
  readonly values: readonly number[];
}

const bucketMs = 1_000;
/** Averages are rounded to so many parts of one. */
const precision = 1_000_000;
const leastSmoothing = 0.2;
/** What the oldest bucket of a weighted window weighs at most. */
const leastWeight = 0.0001;

const bucketsOf = (lengthMs: number): number => Math.ceil(lengthMs / bucketMs);
const bucketAt = (ms: number): number => Math.floor(ms / bucketMs);

/** The window with one more value; two of one second add up. After a hole as long as the window it starts anew. */
export function record(window: MetricWindow | null, lengthMs: number, at: number, value: number): MetricWindow {
  const bucket = bucketAt(at);
  const length = bucketsOf(lengthMs);
  if (window === null || bucket - window.last >= length) return { last: bucket, values: [value] };
  const values = [...window.values, ...zeros(bucket - window.last)].slice(-length);
  values.push((values.pop() ?? 0) + value);
  return { last: bucket, values };
}

/** Is the last write too old to say anything? */
export const isStale = (window: MetricWindow, lengthMs: number, now: number): boolean => bucketAt(now) - window.last > bucketsOf(lengthMs);

/**
 * Mean of the buckets from the first to the last write that are inside the window. Seconds since the last write are no part of it:
 * nothing was reported, which is not the same as nothing.
 */
export function linearAverage(window: MetricWindow, lengthMs: number, now: number): number {
  const inside = bucketsOf(lengthMs) - Math.max(0, bucketAt(now) - window.last);
  if (inside <= 0) return 0;
  const values = window.values.slice(-inside);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return roundHalfAway(mean * precision) / precision;
}

/** Sum of the buckets, each weighing less by a constant factor than the one after it. Here seconds without a report count as zeros. */
export function weightedAverage(window: MetricWindow, lengthMs: number, now: number): number {
  const length = bucketsOf(lengthMs);
  const smoothing = Math.max(leastSmoothing, 1 - leastWeight ** (1 / length));
  const silent = Math.max(0, bucketAt(now) - window.last);
  const inside = length - silent;
  if (inside <= 0) return 0;
  const weight = smoothing * (1 - smoothing) ** silent;
  return window.values
    .slice(-inside)
    .toReversed()
    .reduce((sum, value, age) => sum + value * weight * (1 - smoothing) ** age, 0);
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

const roundHalfAway = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));
