import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { cases, jobsIn, referenceForm } from '../../../test/support/reference-bounds.ts';
import { jobsOf, tinyTrace } from '../../../test/support/tiny-traces.ts';
import { openHighs } from '../../solver/highs.ts';
import { binsOf } from './bins.ts';
import { binMsOf, boundsOf, possible, roundedDown } from './bounds.ts';
import { dualBound, type LinearSolver } from './linear-program.ts';
import { slackProgram } from './slack-program.ts';
import { workPlusOneStart, zeroWaitOptimum } from './zero-wait.ts';

let solve: LinearSolver;
beforeAll(async () => {
  solve = await openHighs();
});

test.each(cases)('$trace, starts of $start_up_s s: zero wait, and work and one start', ({ trace, start_up_s, bounds }) => {
  const jobs = jobsIn(trace);
  expect(zeroWaitOptimum(jobs, start_up_s * 1000)).toBe(bounds.zero_wait_optimum_s);
  expect(workPlusOneStart(jobs, start_up_s * 1000)).toBe(bounds.work_plus_one_start_s);
});

// The two others take seconds each: `npm run bench -- bound` has them all.
const fast = cases.filter(({ requests }) => requests < 3_000);
test.each(fast)('$trace, starts of $start_up_s s: the linear programme in the form of the reference', (one) => {
  const { program } = slackProgram(referenceForm(one, jobsIn(one.trace)));
  expect(roundedDown(dualBound(program, solve(program).rowDuals))).toBe(one.bounds.lp_s);
});

test('the lower bound is never above a plan that can be carried out, and zero wait is one where nothing is too long', () => {
  fc.assert(
    fc.property(tinyTrace, fc.integer({ min: 1, max: 20 }), fc.constantFrom(0.5, 0.8, 0.95), ({ jobs, startMs }, latency, p) => {
      const slo = { p, latencyMs: latency * 1000 };
      fc.pre(possible(jobs, slo).share >= p);
      const { lower, linear, feasible, zeroWait } = boundsOf({ jobs, startMs, slo, binMs: binMsOf(jobs, slo.latencyMs) }, solve);
      expect(feasible).not.toBeNull();
      expect(lower).toBeLessThanOrEqual(feasible!);
      expect(linear).toBeLessThanOrEqual(lower);
      expect(feasible).toBeLessThanOrEqual(zeroWait);
    }),
    { numRuns: 60 },
  );
});

test('a job that is too long by itself cannot be the one on time', () => {
  const burst = Array.from({ length: 10 }, () => [60, 4] as const);
  const jobs = jobsOf([0, 6], ...burst);
  const bound = (longJobsOnTime: boolean): number => {
    const slo = { p: 0.9, latencyMs: 5_000 };
    const { program } = slackProgram({ jobs, startMs: 20_000, slo, binMs: 1_000, lateMs: null, longJobsOnTime });
    return dualBound(program, solve(program).rowDuals);
  };
  // Ten of the eleven must be on time, so all of the burst: 40 s of work within the 6 s of its own bin and of five more.
  expect(bound(false)).toBeCloseTo(46 + (20 * 40) / 6, 6);
  expect(bound(true)).toBeLessThan(bound(false) - 1);
});

test('wide bins where nothing happens lose nothing', () => {
  const jobs = jobsOf([0, 3], [1, 3], [200, 4], [203, 1], [203, 6]);
  const bound = (binMs: number, parts: number): number => {
    const slo = { p: 0.7, latencyMs: 6_000 };
    // Jobs of no length keep the bins between the others apart.
    const marks = jobsOf(...Array.from({ length: parts }, (_, n) => [2 + (n * 198) / parts, 0] as const));
    const all = [...jobs.slice(0, 2), ...marks, ...jobs.slice(2)];
    // As many must be on time of the jobs that have a length.
    const p = (Math.ceil(slo.p * jobs.length) + parts) / all.length;
    const { program } = slackProgram({ jobs: all, startMs: 20_000, slo: { ...slo, p }, binMs, lateMs: null, longJobsOnTime: false });
    return dualBound(program, solve(program).rowDuals);
  };
  expect(bound(1_000, 198)).toBeCloseTo(bound(1_000, 0), 6);
});

test('bins: every job in one, none overlaps, and a long trace has a limited number', () => {
  const jobs = jobsOf(...Array.from({ length: 50_000 }, (_, n) => [n * 3.1, 1] as const));
  const binMs = binMsOf(jobs, 6_000);
  const bins = binsOf(jobs, { binMs, latencyMs: 6_000 });
  expect(bins.length).toBeLessThan(3_600);
  expect(bins.flatMap((bin) => bin.jobs)).toEqual([...jobs.keys()]);
  expect(bins.slice(1).map(({ fromMs }) => fromMs)).toEqual(bins.slice(0, -1).map(({ fromMs, widthMs }) => fromMs + widthMs));
  for (const { fromMs, widthMs, jobs: inside } of bins) {
    for (const job of inside) expect(jobs[job]!.arrivalMs - fromMs).toBeLessThan(widthMs);
  }
});

test("any multipliers give a bound, the solver's the optimum itself", () => {
  const jobs = jobsOf([0, 3], [1, 3], [20, 4]);
  const { program } = slackProgram({
    jobs,
    startMs: 5_000,
    slo: { p: 0.95, latencyMs: 4_000 },
    binMs: 1_000,
    lateMs: null,
    longJobsOnTime: true,
  });
  const { columns, rowDuals } = solve(program);
  const optimum = columns.reduce((sum, value, column) => sum + value * program.cost[column]!, 0);
  expect(dualBound(program, rowDuals)).toBeCloseTo(optimum, 6);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: rowDuals.length, maxLength: rowDuals.length }),
      (duals) => {
        expect(dualBound(program, Float64Array.from(duals))).toBeLessThanOrEqual(optimum + 1e-6);
      },
    ),
  );
});

test('no jobs need nothing, and what is possible is said', () => {
  expect(boundsOf({ jobs: [], startMs: 1, slo: { p: 0.95, latencyMs: 1 }, binMs: 1 }, solve)).toMatchObject({ lower: 0, feasible: 0 });
  const slow = jobsOf([0, 3], [0, 5], [0, 8], [0, 9]);
  expect(possible(slow, { p: 0.75, latencyMs: 5_000 })).toEqual({ share: 0.5, latencyMs: 8_000 });
});
