import type { TraceJob } from '../trace.ts';

/** A stretch of time, with the jobs that arrive in it by number. */
export interface Bin {
  readonly fromMs: number;
  readonly widthMs: number;
  readonly jobs: readonly number[];
}

/** Bins that a job may use beside its own. */
export const slackBins = (latencyMs: number, binMs: number): number => Math.ceil(latencyMs / binMs);

/**
 * Cuts a trace into bins of `binMs` up to the last deadline. A stretch in which nothing arrives and nothing is due is one wide bin: with
 * divisible work a constant number of containers does there whatever a changing one does, and rises no more, so nothing is lost.
 */
export function binsOf(jobs: readonly TraceJob[], { binMs, latencyMs }: { binMs: number; latencyMs: number }): Bin[] {
  const slack = slackBins(latencyMs, binMs);
  const bins: Bin[] = [];
  let next = 0;
  const add = (from: number, count: number, arriving: readonly number[]): void => {
    bins.push({ fromMs: from * binMs, widthMs: count * binMs, jobs: arriving });
    next = from + count;
  };
  /** Up to `end`: those in which something may be due, then one for the rest. */
  const fill = (end: number): void => {
    const due = bins.length === 0 ? next : Math.min(end, next + slack);
    for (let number = next; number < due; number++) add(number, 1, []);
    if (due < end) add(due, end - due, []);
  };
  for (const [number, arriving] of byBin(jobs, binMs)) {
    fill(number);
    add(number, 1, arriving);
  }
  fill(next + slack);
  return bins;
}

/** The numbers of the jobs by the bin that they arrive in; in order, since jobs are. */
function byBin(jobs: readonly TraceJob[], binMs: number): Map<number, number[]> {
  const bins = new Map<number, number[]>();
  for (const [index, { arrivalMs }] of jobs.entries()) {
    const number = Math.floor(arrivalMs / binMs);
    const bin = bins.get(number);
    if (bin) bin.push(index);
    else bins.set(number, [index]);
  }
  return bins;
}
