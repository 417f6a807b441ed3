import type { TraceJob } from '../trace.ts';
import { cycleMs, meanServiceMs, type UniformUsers } from '../uniform-users.ts';

/** What jobs would need if none waited. */
export interface Demand {
  /** Containers at work in the mean. */
  readonly load: number;
  /** Containers at work at once, at most. */
  readonly peak: number;
}

/** By Little's law (at work in the mean = work / time), and by counting. Jobs are in the order of arrival, `spanMs` > 0. */
export function demandOf(jobs: readonly TraceJob[], spanMs: number): Demand {
  const workMs = jobs.reduce((sum, { serviceMs }) => sum + serviceMs, 0);
  const ends = Float64Array.from(jobs, ({ arrivalMs, serviceMs }) => arrivalMs + serviceMs).sort();
  let [ended, peak] = [0, 0];
  for (const [index, { arrivalMs }] of jobs.entries()) {
    while (ended < index && (ends[ended] as number) <= arrivalMs) ended++;
    peak = Math.max(peak, index + 1 - ended);
  }
  return { load: workMs / spanMs, peak };
}

/** Users who do not wait are at work on the GPU for a share of their time (Little's law again), and at most all at once. */
export const demandOfUsers = (users: UniformUsers, outsideMs: number): Demand => ({
  load: (users.users * meanServiceMs(users)) / cycleMs(users, outsideMs),
  peak: users.users,
});
