import * as fc from 'fast-check';
import type { TraceJob } from '../../src/planning/trace.ts';

/** Jobs from [arrival, service] in seconds, in order of arrival. */
export const jobsOf = (...times: readonly (readonly [arrival: number, service: number])[]): TraceJob[] =>
  times.map(([arrival, service]) => ({ arrivalMs: arrival * 1000, serviceMs: service * 1000, model: '', user: null, workflow: '' }));

/** Traces so small that everything can be tried, on a coarse grid, so that instants coincide. */
export const tinyTrace = fc.record({
  jobs: fc
    .array(fc.tuple(fc.nat(30), fc.nat(12)), { minLength: 1, maxLength: 7 })
    .map((times) => jobsOf(...times.toSorted(([a], [b]) => a - b))),
  startMs: fc.nat(12).map((seconds) => seconds * 1000),
});
