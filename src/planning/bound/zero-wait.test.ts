import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jobsOf, tinyTrace } from '../../../test/support/tiny-traces.ts';
import { workPlusOneStart, zeroWaitOptimum } from './zero-wait.ts';

/** GPU-seconds of the cheapest assignment of jobs to containers in which none waits, tried one by one. */
function bruteForce(jobs: readonly { arrivalMs: number; serviceMs: number }[], startMs: number): number {
  const work = jobs.reduce((sum, { serviceMs }) => sum + serviceMs, 0);
  const cheapest = (index: number, freeAt: readonly number[]): number => {
    const job = jobs[index];
    if (!job) return 0;
    const end = job.arrivalMs + job.serviceMs;
    const costs = freeAt.flatMap((at, n) =>
      at > job.arrivalMs ? [] : [Math.min(job.arrivalMs - at, startMs) + cheapest(index + 1, freeAt.with(n, end))],
    );
    return Math.min(startMs + cheapest(index + 1, [...freeAt, end]), ...costs);
  };
  return (work + cheapest(0, [])) / 1000;
}

test('zero-wait: no assignment of jobs to containers is cheaper, and one costs as much', () => {
  fc.assert(
    fc.property(tinyTrace, ({ jobs, startMs }) => {
      expect(zeroWaitOptimum(jobs, startMs)).toBeCloseTo(bruteForce(jobs, startMs), 9);
    }),
  );
});

test('what ends at the instant of an arrival makes room for it', () => {
  expect(zeroWaitOptimum(jobsOf([0, 2], [2, 3]), 10_000)).toBe(15);
  expect(zeroWaitOptimum(jobsOf([0, 2], [1.999, 3]), 10_000)).toBe(25);
});

test('no jobs cost nothing', () => {
  expect([zeroWaitOptimum([], 5_000), workPlusOneStart([], 5_000)]).toEqual([0, 0]);
});
