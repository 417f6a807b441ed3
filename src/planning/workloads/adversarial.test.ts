import { expect, test } from 'vitest';
import { apart, counts, mean } from '../../../test/support/arrivals.ts';
import { drawTrace, type WorkloadName } from '../workloads.ts';
import { adversarial } from './adversarial.ts';

const drawn = (name: WorkloadName) => Array.from({ length: 20 }, (_, seed) => drawTrace(name, seed).jobs);

/** Arrivals in each second, in the mean over the seeds. */
function bySecond(name: WorkloadName): number[] {
  const all = drawn(name).map((jobs) =>
    counts(
      jobs.map(({ arrivalMs }) => arrivalMs / 1000),
      600,
      1,
    ),
  );
  return Array.from({ length: 600 }, (_, second) => mean(all.map((of) => of[second]!)));
}

test('flash crowd: ten times as many from one second to the next, and they stay', () => {
  const seconds = bySecond('flash-crowd');
  expect(apart(mean(seconds.slice(0, 300)), 0.3)).toBeLessThan(0.1);
  expect(apart(mean(seconds.slice(301, 311)), 3)).toBeLessThan(0.2);
  expect(apart(mean(seconds.slice(301)), 3)).toBeLessThan(0.05);
});

test('square wave: half of each period of about a start has nothing', () => {
  const seconds = bySecond('square-wave');
  // All waves begin with a high half, of 8 s at least, and the first low half lasts until 16 s at least.
  expect(apart(mean(seconds.slice(0, 8)), 2)).toBeLessThan(0.2);
  expect(mean(seconds.slice(12, 16))).toBe(0);
  expect(apart(mean(seconds), 1)).toBeLessThan(0.05);
});

test('stragglers: one in 50 takes ten times as long', () => {
  const jobs = drawn('stragglers').flat();
  expect(apart(jobs.filter(({ serviceMs }) => serviceMs > 20_000).length / jobs.length, 0.02)).toBeLessThan(0.2);
});

test('all distinct models: no two jobs share one', () => {
  for (const jobs of drawn('all-distinct-models')) expect(new Set(jobs.map(({ model }) => model)).size).toBe(jobs.length);
});

test('faults: jobs that crash, starts that fail', () => {
  expect(adversarial.crashes.faults).toEqual({ crashPerJob: 0.01 });
  expect(adversarial['failed-starts'].faults).toEqual({ failedStarts: 0.05 });
});
