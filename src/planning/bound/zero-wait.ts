import type { TraceJob } from '../trace.ts';

/** What any plan needs that does every job: their time on the GPU, and one start. GPU-seconds. */
export const workPlusOneStart = (jobs: readonly TraceJob[], startMs: number): number =>
  jobs.length === 0 ? 0 : (workMs(jobs) + startMs) / 1000;

export const workMs = (jobs: readonly TraceJob[]): number => jobs.reduce((sum, { serviceMs }) => sum + serviceMs, 0);

/**
 * GPU-seconds of the cheapest plan in which no job waits, with everything known beforehand and starts before the first arrival allowed.
 * Exact: the k-th container is needed while at least k jobs run, so each level of concurrency stands alone. Its first use costs a start,
 * and each gap between two uses the cheaper of staying (the gap) and of starting anew (the start). After Lu, Chen and Andrew, "Simple and
 * effective dynamic provisioning for power-proportional data centers" (2013). O(n log n).
 */
export function zeroWaitOptimum(jobs: readonly TraceJob[], startMs: number): number {
  const ends = Float64Array.from(
    jobs.filter(({ serviceMs }) => serviceMs > 0),
    ({ arrivalMs, serviceMs }) => arrivalMs + serviceMs,
  ).sort();
  /** Since when each free level is free. A stack: levels are freed from the top, and the last one freed is used first. */
  const freedAt: number[] = [];
  let cost = workMs(jobs);
  let ended = 0;
  for (const { arrivalMs, serviceMs } of jobs) {
    // What ends at the instant of an arrival makes room for it.
    while (ended < ends.length && (ends[ended] as number) <= arrivalMs) freedAt.push(ends[ended++] as number);
    const since = freedAt.pop();
    cost += since === undefined ? startMs : Math.min(arrivalMs - since, startMs);
    if (serviceMs === 0) freedAt.push(arrivalMs);
  }
  return cost / 1000;
}
