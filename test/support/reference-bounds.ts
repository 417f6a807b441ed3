import { readFileSync } from 'node:fs';
import { slackBins } from '../../src/planning/bound/bins.ts';
import type { SlackInput } from '../../src/planning/bound/slack-program.ts';
import type { TraceJob } from '../../src/planning/trace.ts';
import { parseTrace } from '../../src/planning/trace-file.ts';

/** Bounds that a reference computed for the traces in test/vectors/workloads. */
export interface BoundCase {
  readonly trace: string;
  readonly requests: number;
  readonly start_up_s: number;
  readonly slo: { readonly p: number; readonly latency_s: number };
  readonly bounds: {
    readonly work_plus_one_start_s: number;
    readonly zero_wait_optimum_s: number;
    readonly lp_s: number;
    readonly lp_bin_s: number;
  };
}

const folder = new URL('../vectors/workloads/', import.meta.url);

export const cases = (JSON.parse(readFileSync(new URL('results.json', folder), 'utf8')) as { cases: BoundCase[] }).cases;

export const jobsIn = (trace: string): readonly TraceJob[] => parseTrace(readFileSync(new URL(`${trace}.csv`, folder), 'utf8'), trace).jobs;

/** Its linear programme: late jobs end within K + 3 bins of the last deadline, and jobs that are too long may be on time in parts. */
export function referenceForm({ start_up_s, slo, bounds }: BoundCase, jobs: readonly TraceJob[]): SlackInput {
  const latencyMs = slo.latency_s * 1000;
  const binMs = bounds.lp_bin_s * 1000;
  const lateMs = (slackBins(latencyMs, binMs) + 3) * binMs;
  return { jobs, startMs: start_up_s * 1000, slo: { p: slo.p, latencyMs }, binMs, lateMs, longJobsOnTime: true };
}
