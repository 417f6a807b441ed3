import type { Faults } from '../faults.ts';
import type { Draw } from '../random.ts';
import type { Slo } from '../summary.ts';

/**
 * What a result on a workload says of the policy `slo`. In-sample: it was developed on it. Seen: held out once, but `slo` was changed after
 * results on it were looked at. Held out: never adjusted on it, so it tells what `slo` is worth on traffic that nobody has seen.
 */
export const parts = ['in-sample', 'seen', 'held-out'] as const;
export type Part = (typeof parts)[number];

/** A workload that is drawn anew for each seed. Times are seconds. */
export interface Workload {
  /** One sentence: the process and its parameters. */
  readonly what: string;
  /** Where the parameters are from. */
  readonly source: string;
  /** How long jobs arrive. */
  readonly seconds: number;
  /** The target that it is measured against. */
  readonly slo: Slo;
  /** What a start takes in the cases that are measured, the usual one first. */
  readonly startSeconds: readonly number[];
  readonly part: Part;
  readonly faults?: Partial<Faults>;
  /** Draws what it takes until a base model that a container has not loaded is there; absent: all jobs need the same. */
  readonly modelLoadSeconds?: (draw: Draw) => number;
  /** The jobs of so many seconds, in any order. */
  readonly jobs: (draw: Draw, seconds: number) => DrawnJob[];
}

/** A job of a workload; what is absent is nobody's, of no model, of the one workflow. */
export interface DrawnJob {
  readonly at: number;
  readonly service: number;
  readonly model?: string;
  readonly user?: string;
  readonly workflow?: string;
}

/** 95 % of the jobs within so many seconds, in each five minutes. */
export const p95 = (seconds: number): Slo => ({ p: 0.95, latencyMs: seconds * 1000, windowMs: 300_000 });

/** 3.5 s on an A10G, hardly varying: the collage of the article. */
export const collage = (draw: Draw): number => draw.lognormal(3.5, 0.1);

/** Jobs at these times, each with a service time of its own. */
export const jobsAt = (arrivals: readonly number[], draw: Draw, service: (draw: Draw) => number = collage): DrawnJob[] =>
  arrivals.map((at) => ({ at, service: service(draw) }));
