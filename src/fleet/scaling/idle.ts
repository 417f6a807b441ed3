import { aliveOf, type FleetSummary } from './policy.ts';

/**
 * How many idle containers go now, longest idle first: those whose window has passed, as long as more than `floor` are alive. And when
 * the next one would be due; null: all that are left stay.
 */
export function expireIdle(summary: FleetSummary, floor: number, windowMs: number): { stop: number; wakeAt: number | null } {
  const { idleForMs, now } = summary;
  const spare = Math.min(Math.max(0, aliveOf(summary) - floor), idleForMs.length);
  let stop = 0;
  while (stop < spare && (idleForMs[stop] ?? 0) >= windowMs) stop++;
  return { stop, wakeAt: stop < spare ? now + windowMs - (idleForMs[stop] ?? 0) : null };
}
