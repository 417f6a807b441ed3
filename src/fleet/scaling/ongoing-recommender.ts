/**
 * Ray Serve's request-based autoscaling (its default policy with scaling factors and delays, as of 2.60), as a pure function of one tick:
 *
 *     raw  = running * (requests / (target * running))
 *     wish = ceil(running + factor * (raw - running))
 *
 * with the factor of the direction. A wish that rounding would keep at the running count although fewer would do is one less. A wish
 * above or below the last decision is applied once its direction has held for the delay of that direction; the value of that last tick
 * counts. The order of operations is Ray's, since it decides how floating point rounds.
 */

export interface OngoingSettings {
  readonly targetOngoingRequests: number;
  readonly min: number;
  /** Infinity: none. */
  readonly max: number;
  readonly upscaleDelayMs: number;
  readonly downscaleDelayMs: number;
  /** The delay of the last step, from one to none; null: as any other. */
  readonly downscaleToZeroDelayMs: number | null;
  readonly upscalingFactor: number;
  readonly downscalingFactor: number;
}

export interface OngoingInputs {
  readonly nowMs: number;
  /** Queued and running, as a mean. */
  readonly requests: number;
  /** Ready replicas; those that start do not count. */
  readonly running: number;
  /** The last decision. */
  readonly target: number;
}

/** A wish that is held back until its delay has passed. A type, not an interface: it is part of a policy's memory, which is JSON. */
export type Hold = {
  readonly direction: 'up' | 'down';
  readonly sinceMs: number;
};

export interface OngoingRecommendation {
  /** Null while no replica runs. */
  readonly raw: number | null;
  readonly wish: number | null;
  /** The answer before the limits. */
  readonly unbounded: number;
  readonly desired: number;
  /** What is held after this tick; null: nothing. */
  readonly hold: Hold | null;
}

/** One tick. `hold` is what the last one returned. */
export function recommendOngoing(inputs: OngoingInputs, hold: Hold | null, settings: OngoingSettings): OngoingRecommendation {
  const { requests, running, target } = inputs;
  if (running === 0) {
    // The queue says nothing of how many are needed yet, so while the first replicas start a backlog adds nothing.
    const unbounded = requests > 0 ? Math.max(Math.ceil(settings.upscalingFactor), target) : target;
    return { raw: null, wish: null, unbounded, desired: bounded(unbounded, settings), hold: null };
  }
  const raw = running * (requests / (settings.targetOngoingRequests * running));
  const wish = wishFor(raw, running, settings);
  const delayed = afterDelay(wish, inputs, hold, settings);
  return { raw, wish, unbounded: delayed.count, desired: bounded(delayed.count, settings), hold: delayed.hold };
}

function wishFor(raw: number, running: number, { upscalingFactor, downscalingFactor }: OngoingSettings): number {
  const factor = raw > running ? upscalingFactor : downscalingFactor;
  const wish = Math.ceil(running + factor * (raw - running));
  const stuck = wish === running && Math.ceil(raw) < running;
  return stuck ? wish - 1 : wish;
}

function afterDelay(
  wish: number,
  { nowMs, target }: OngoingInputs,
  before: Hold | null,
  settings: OngoingSettings,
): { count: number; hold: Hold | null } {
  if (wish === target) return { count: target, hold: null };
  const direction = wish > target ? 'up' : 'down';
  const toZero = direction === 'down' && wish === 0 && target === 1;
  const downscaleDelayMs = toZero ? (settings.downscaleToZeroDelayMs ?? settings.downscaleDelayMs) : settings.downscaleDelayMs;
  const delayMs = direction === 'up' ? settings.upscaleDelayMs : downscaleDelayMs;
  const hold: Hold = before?.direction === direction ? before : { direction, sinceMs: nowMs };
  if (nowMs - hold.sinceMs < delayMs) return { count: target, hold };
  // The last one goes in a step of its own.
  return { count: wish === 0 && target > 1 ? 1 : wish, hold: null };
}

const bounded = (count: number, { min, max }: OngoingSettings): number => Math.min(Math.max(count, min), max);
