import { describe, expect, test } from 'vitest';
import { apart, mean } from '../../test/support/arrivals.ts';
import { simulate } from './simulator.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { drawTrace, workloadGroups, workloads, type WorkloadName } from './workloads.ts';
import type { Part, Workload } from './workloads/workload.ts';

const names = Object.keys(workloads) as WorkloadName[];

describe.each(names)('%s', (name) => {
  const trace = drawTrace(name, 3);

  test('the same seed gives the same jobs, another one others', () => {
    expect(drawTrace(name, 3)).toEqual(trace);
    expect(drawTrace(name, 4)).not.toEqual(trace);
  });

  test('jobs come in order, within their time, at whole milliseconds, and take some', () => {
    const { seconds } = workloads[name];
    let before = 0;
    const wrong = trace.jobs.filter(({ arrivalMs, serviceMs }) => {
      const inOrder = arrivalMs >= before && arrivalMs <= seconds * 1000;
      before = arrivalMs;
      return !inOrder || !Number.isInteger(arrivalMs) || !Number.isInteger(serviceMs) || serviceMs < 1;
    });
    expect(trace.jobs.length).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });

  test('its target can be met: with a container for every job, ready in time, 95 % are', () => {
    const { slo }: Workload = workloads[name];
    const late = trace.jobs.filter(({ serviceMs }) => serviceMs > slo.latencyMs).length;
    expect(late / trace.jobs.length).toBeLessThan(1 - slo.p);
  });
});

test('only the suite is what policies are developed on; what was looked at since is no longer held out', () => {
  const of = (part: Part): string[] => names.filter((name) => workloads[name].part === part);
  expect(of('in-sample')).toEqual(Object.keys(workloadGroups.suite));
  expect(of('seen')).toEqual([
    'gentd26',
    'gentd26-busy',
    'azure-conversation',
    'servegen',
    'flash-crowd',
    'square-wave',
    'all-distinct-models',
    'stragglers',
  ]);
});

/** Arrivals per second and seconds of a job, in the mean, as the workloads say of themselves. */
const means: Partial<Record<WorkloadName, { rate: number; service: number }>> = {
  steady: { rate: 1.35, service: 3.5 },
  diurnal: { rate: 1.55, service: 3.5 },
  bursty: { rate: (0.05 * 300 + 2 * 60) / 360, service: 3.5 },
  sparse: { rate: (0.5 * 30) / 1_230, service: 3.5 },
  diffusion: { rate: (0.02 * 900 + 0.3 * 300) / 1_200, service: 28.9 },
};

test.each(Object.entries(means))('%s: rate and service time are those of the suite, over many seeds', (name, { rate, service }) => {
  const traces = Array.from({ length: 200 }, (_, seed) => drawTrace(name as WorkloadName, seed));
  const jobs = traces.flatMap((trace) => trace.jobs);
  // Bursts begin in the quiet state, so short runs see a little less of them.
  const drawn = jobs.length / traces.length / workloads[name as WorkloadName].seconds;
  expect(drawn / rate).toBeGreaterThan(0.85);
  expect(drawn / rate).toBeLessThan(1.05);
  expect(apart(mean(jobs.map(({ serviceMs }) => serviceMs / 1000)), service)).toBeLessThan(0.02);
});

test('the ski rental catches a window of 60 s about every other time, one as long as a start each time, and none that is long', () => {
  const trace = drawTrace('ski-rental', 1);
  const startsWith = (seconds: number): number =>
    simulate({
      source: trace,
      scaling: { ...defaultScaling, policy: 'per-input', scaledownWindowMs: seconds * 1000 },
      startMs: 20_000,
      horizonMs: null,
      periodMs: 100,
      slots: 100,
    }).starts;
  expect(startsWith(60)).toBeGreaterThan(trace.jobs.length / 3);
  expect(startsWith(20)).toBe(trace.jobs.length);
  expect(startsWith(100)).toBe(4);
});
