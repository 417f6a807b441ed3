import type { FleetSummary } from '../../src/fleet/scaling/policy.ts';

/** A summary of a deployment where nothing happens, but for what is given. */
export const summaryOf = (given: Partial<FleetSummary>): FleetSummary => ({
  now: 0,
  due: false,
  queued: 0,
  running: 0,
  starting: 0,
  busy: 0,
  idleForMs: [],
  oldestQueuedMs: null,
  late: 0,
  inFlightMs: 0,
  affordable: null,
  price: null,
  observed: null,
  ...given,
});
