import { aliveOf, type Decision, type FleetSummary } from './policy.ts';

/**
 * From a wished number of containers to acts. Too few: starts the difference. Too many: idle ones go, longest idle first; then,
 * only while nothing is queued, starts are given up, the latest first. Busy ones stay: what is too many then is looked at again next time.
 */
export function towards(desired: number, summary: FleetSummary): Pick<Decision, 'start' | 'stop' | 'cancel' | 'desired'> {
  const surplus = aliveOf(summary) - desired;
  const stop = Math.min(Math.max(0, surplus), summary.idleForMs.length);
  const cancel = summary.queued > 0 ? 0 : Math.min(Math.max(0, surplus - stop), summary.starting);
  return { start: Math.max(0, -surplus), stop, cancel, desired };
}

/** The first multiple of a period that a policy has not been asked at yet: now itself, unless the summary is the one of that moment. */
export function nextMultiple(periodMs: number, { now, due }: Pick<FleetSummary, 'now' | 'due'>): number {
  const multiple = Math.ceil(now / periodMs) * periodMs;
  return multiple === now && due ? now + periodMs : multiple;
}

/** The earliest of the times at which something is to be done; null: never. */
export function earliest(...times: (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}
