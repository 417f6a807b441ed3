import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jobsOf, tinyTrace } from '../../../test/support/tiny-traces.ts';
import { defaultScaling } from '../../fleet/scaling/settings.ts';
import { simulate } from '../simulator.ts';
import { clairvoyantCost, planOf } from './clairvoyant.ts';
import { replay } from './replay.ts';

const nobody = new Set<number>();
const bins = (...widths: readonly number[]) =>
  widths.map((width, n) => ({ fromMs: widths.slice(0, n).reduce((sum, w) => sum + w, 0), widthMs: width, jobs: [] }));

test('a plan of a fixed number answers as that policy does', () => {
  fc.assert(
    fc.property(tinyTrace, fc.integer({ min: 1, max: 3 }), ({ jobs, startMs }, containers) => {
      const scaling = { ...defaultScaling, policy: 'fixed' as const, minContainers: containers };
      const policy = simulate({ source: { name: '', jobs }, scaling, startMs, horizonMs: null, periodMs: 0, slots: 10 });
      expect(replay({ jobs, startMs, plan: [{ atMs: 0, containers }], last: nobody })).toEqual(policy.responsesMs);
    }),
  );
});

test('a plan may begin before the trace; jobs that go last wait for the others; a job without a container gets one', () => {
  const jobs = jobsOf([0, 3], [0, 3], [0, 3], [90, 3]);
  const plan = [
    { atMs: -10_000, containers: 1 },
    { atMs: 20_000, containers: 0 },
  ];
  expect([...replay({ jobs, startMs: 10_000, plan, last: new Set([1]) })]).toEqual([3_000, 9_000, 6_000, 13_000]);
});

test('containers are started a start early and kept over gaps up to a start', () => {
  const plan = (gapMs: number) =>
    planOf({ ready: [1.2, 0, 3], bins: bins(10_000, gapMs, 10_000), startMs: 20_000 }, { factor: 1, floor: 0 });
  expect(plan(20_000)).toEqual([
    { atMs: -20_000, containers: 2 },
    { atMs: 10_000, containers: 3 },
    { atMs: 40_000, containers: 0 },
  ]);
  expect(plan(30_000)).toEqual([
    { atMs: -20_000, containers: 2 },
    { atMs: 10_000, containers: 0 },
    { atMs: 20_000, containers: 3 },
    { atMs: 50_000, containers: 0 },
  ]);
});

test('a job that the target lets wait shares a container', () => {
  const jobs = jobsOf([0, 3], [1, 3]);
  const input = { jobs, startMs: 20_000, bins: bins(10_000), ready: [0.6], givenUp: nobody };
  expect(clairvoyantCost({ ...input, slo: { p: 0.95, latencyMs: 5_000 } })).toBe(26);
  expect(clairvoyantCost({ ...input, slo: { p: 0.95, latencyMs: 4_000 } })).toBe(46);
  expect(clairvoyantCost({ ...input, slo: { p: 0.95, latencyMs: 2_000 } })).toBeNull();
});
