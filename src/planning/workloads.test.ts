import { expect, test } from 'vitest';
import { drawTrace, workloads, type WorkloadName } from './workloads.ts';

const names = Object.keys(workloads) as WorkloadName[];

/** Published arrivals per second and seconds of a job, in the mean. */
const means: Record<WorkloadName, { rate: number; service: number }> = {
  steady: { rate: 1.35, service: 3.5 },
  diurnal: { rate: 1.55, service: 3.5 },
  bursty: { rate: (0.05 * 300 + 2 * 60) / 360, service: 3.5 },
  sparse: { rate: (0.5 * 30) / 1_230, service: 3.5 },
  diffusion: { rate: (0.02 * 900 + 0.3 * 300) / 1_200, service: 28.9 },
};

test.each(names)('%s: the same seed gives the same jobs in order, another one others', (name) => {
  const trace = drawTrace(name, 3);
  expect(drawTrace(name, 3)).toEqual(trace);
  expect(drawTrace(name, 4)).not.toEqual(trace);
  const arrivals = trace.jobs.map(({ arrivalMs }) => arrivalMs);
  expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
  expect(arrivals.at(-1)).toBeLessThanOrEqual(workloads[name].seconds * 1000);
});

test.each(names)('%s: rate and service time are those published, over many seeds', (name) => {
  const traces = Array.from({ length: 200 }, (_, seed) => drawTrace(name, seed));
  const jobs = traces.flatMap((trace) => trace.jobs);
  const rate = jobs.length / traces.length / workloads[name].seconds;
  const service = jobs.reduce((sum, job) => sum + job.serviceMs, 0) / jobs.length / 1000;
  // Bursts begin in the quiet state, so short runs see a little less of them.
  expect(rate / means[name].rate).toBeGreaterThan(0.85);
  expect(rate / means[name].rate).toBeLessThan(1.05);
  expect(service / means[name].service).toBeCloseTo(1, 1);
});
