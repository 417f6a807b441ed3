import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { tinyTrace } from '../../../test/support/tiny-traces.ts';
import { flatScaling } from '../../config/flat-scaling.ts';
import { drawTrace } from '../workloads.ts';
import type { Trace } from '../trace.ts';
import { candidatesFor, keyOf, peers } from './candidates.ts';
import { byCost, cheapestOf, frontierOf, nearestOf, nextDollarOf } from './choose.ts';
import { demandOf } from './demand.ts';
import { evaluate, type PlanRun } from './evaluate.ts';
import { isApplicable, planOf, type Plan } from './planner.ts';
import { preparePlan as prepare } from './prepare.ts';
import type { PlanQuestion, PreparedPlan } from './question.ts';
import { spanName } from './names.ts';
import { sentencesOf } from './sentences.ts';
import { mostJobs, sampleOf } from './sample.ts';

const jobsAt = (...jobs: readonly (readonly [number, number])[]): Trace => traceOf(jobs);

const traceOf = (jobs: readonly (readonly [number, number])[]): Trace => ({
  name: 'trace',
  jobs: jobs.map(([at, seconds]) => ({ arrivalMs: at * 1000, serviceMs: seconds * 1000, model: '', user: null, workflow: '' })),
});

const question = (trace: Trace, change: Partial<PlanQuestion> = {}): PlanQuestion => ({
  source: { type: 'trace', trace },
  startMs: 20_000,
  outsideMs: { before: 0, after: 0 },
  loadMs: 0,
  horizonMs: null,
  seed: 1,
  slo: { p: 0.95, latencyMs: 8_000, windowMs: 300_000 },
  usdPerHour: 1.2,
  budgetUsdPerHour: null,
  ...change,
});

const preparePlan = (given: PlanQuestion): PreparedPlan => prepare(given, flatScaling);

function plan(trace: Trace, change: Partial<PlanQuestion> = {}): Plan {
  const prepared = preparePlan(question(trace, change));
  return planOf(
    prepared,
    prepared.candidates.map((candidate) => evaluate(prepared, candidate)),
    { missing: 'not asked for' },
  );
}

/** Five minutes of one job every 4 s: one container keeps up with them. */
const steady = jobsAt(...Array.from({ length: 75 }, (_, n) => [n * 4, 3.5] as const));

/** A target that a first start leaves time for. */
const patient = { p: 0.95, latencyMs: 30_000, windowMs: 300_000 };

test('what is recommended is the cheapest of all that meet the target', () => {
  const { recommended, met, runs, says } = plan(drawTrace('sparse', 3), { startMs: 3_000 });
  const meeting = runs.filter(({ attainment }) => attainment >= 0.95);
  expect(meeting.length).toBeGreaterThan(5);
  expect(runs.length).toBeGreaterThan(meeting.length);
  expect(recommended?.usd_per_hour).toBe(Math.min(...meeting.map(({ usd_per_hour }) => usd_per_hour as number)));
  expect(met).toBe(true);
  expect(says).toEqual([
    expect.stringMatching(/^slo is the cheapest of \d+ settings that meets p95=8s: \$\d\.\d\d\/h, p50 .*\(simulated\)\.$/),
  ]);
});

test('the frontier: cheapest first, each faster than all that cost no more; nothing beats it', () => {
  const one = {
    policy: 'fixed',
    settings: {},
    usd_per_hour: null,
    span_s: 1,
    p50_s: 0,
    p99_s: 0,
    at_target_share_s: 0,
    attainment: 1,
  } as const;
  const two = { windows_attained: 1, meets: true, jobs: 1, starts: 1, peak_containers: 1 } as const;
  const runs = fc.array(fc.record({ gpu_seconds_per_hour: fc.integer({ min: 1, max: 9 }), p95_s: fc.integer({ min: 1, max: 9 }) }));
  fc.assert(
    fc.property(runs, (given) => {
      const all = given.map((run) => ({ ...one, ...two, ...run }));
      const frontier = frontierOf(all);
      expect(frontier).toEqual(frontier.toSorted(byCost));
      for (const run of all) {
        expect(frontier.some((best) => best.gpu_seconds_per_hour <= run.gpu_seconds_per_hour && best.p95_s <= run.p95_s)).toBe(true);
      }
      for (const best of frontier) {
        const beaten = all.some((run) => byCost(run, best) < 0 && run.p95_s <= best.p95_s);
        expect(beaten).toBe(false);
      }
    }),
  );
});

test('cheapest: of those that meet the target; nearest: the most in time', () => {
  const run = fc.record({ gpu_seconds_per_hour: fc.integer({ min: 1, max: 99 }), attainment: fc.integer({ min: 900, max: 999 }) });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1 }), (given) => {
      const runs = given.map((one) => ({ ...one, attainment: one.attainment / 1_000, meets: one.attainment >= 950, p95_s: 1 }) as PlanRun);
      const meeting = runs.filter(({ meets }) => meets).map(({ gpu_seconds_per_hour }) => gpu_seconds_per_hour);
      if (meeting.length === 0) expect(cheapestOf(runs)).toBeNull();
      else expect(cheapestOf(runs)).toMatchObject({ meets: true, gpu_seconds_per_hour: Math.min(...meeting) });
      expect(nearestOf(runs)?.attainment).toBe(Math.max(...runs.map(({ attainment }) => attainment)));
    }),
  );
  expect([cheapestOf([]), nearestOf([])]).toEqual([null, null]);
});

test('costs are those of an hour, until the last job is answered', () => {
  const { runs, span_s } = plan(steady);
  expect(span_s).toBe(296);
  const fixed = runs.find(({ policy, settings }) => policy === 'fixed' && settings['min_containers'] === 1);
  // The last job comes at the end and takes its 3.5 s.
  expect(fixed).toMatchObject({ gpu_seconds_per_hour: 3600, span_s: 299.5, starts: 1, peak_containers: 1 });
  expect(fixed?.usd_per_hour).toBeCloseTo(1.2, 9);
  const unpriced = plan(steady, { usdPerHour: null, slo: patient });
  expect(unpriced.recommended).toMatchObject({ usd_per_hour: null, gpu_seconds_per_hour: expect.any(Number) as number });
  expect(unpriced.says.join(' ')).toContain('GPU-seconds per hour');
});

test('one job of 3 s costs what one container costs, and the bound holds for whatever meets the target', () => {
  const prepared = preparePlan(question(jobsAt([0, 3]), { slo: patient }));
  const all = prepared.candidates.map((candidate) => evaluate(prepared, candidate));
  // Work and one start: nothing that starts a container costs less.
  const { recommended, lower_bound_usd_per_hour: bound, runs } = planOf(prepared, all, { gpuSeconds: 23 });
  expect(recommended?.usd_per_hour).toBeLessThanOrEqual(1.2);
  for (const run of runs) if (run.meets) expect(run.usd_per_hour).toBeGreaterThanOrEqual((bound as number) - 1e-9);
  // A horizon after that is kept.
  expect(plan(jobsAt([0, 3]), { slo: patient, horizonMs: 3_600_000 }).recommended?.span_s).toBe(3_600);
});

test('peers run as they come, beside the recommended run', () => {
  const { peers: told, recommended, runs } = plan(steady, { slo: patient });
  expect(told.map(({ name }) => name).toSorted()).toEqual(Object.keys(peers).toSorted());
  for (const { policy, settings, cost_ratio, usd_per_hour } of told) {
    expect(settings).toEqual({});
    expect(cost_ratio).toBeCloseTo((usd_per_hour as number) / (recommended?.usd_per_hour as number), 9);
    expect(runs.filter((run) => run.policy === policy).length).toBeGreaterThan(1);
  }
});

test('the next dollar buys the nearest lower p95 of the frontier', () => {
  const { recommended, next_dollar, frontier } = plan(drawTrace('sparse', 3), { startMs: 3_000 });
  const dearer = frontier.find(({ gpu_seconds_per_hour }) => gpu_seconds_per_hour > (recommended?.gpu_seconds_per_hour as number));
  expect(next_dollar?.run).toEqual(dearer);
  expect(next_dollar?.more_usd_per_hour).toBeCloseTo((dearer?.usd_per_hour as number) - (recommended?.usd_per_hour as number), 9);
  expect(next_dollar?.less_p95_s).toBeCloseTo((recommended?.p95_s as number) - (dearer?.p95_s as number), 3);
});

test('the next dollar never buys a setting that misses the target, even a faster one', () => {
  const run = fc.record({
    gpu_seconds_per_hour: fc.integer({ min: 1, max: 99 }),
    p95_s: fc.integer({ min: 1, max: 99 }),
    meets: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1 }), (given) => {
      const runs = given as PlanRun[];
      const chosen = cheapestOf(runs);
      if (chosen) expect(nextDollarOf(chosen, frontierOf(runs))?.run.meets).not.toBe(false);
    }),
  );
});

test('fewer than 20 jobs: that comes before everything else, and a share has its ordinal', () => {
  const few = (count: number, p: number): Plan =>
    plan(jobsAt(...Array.from({ length: count }, (_, n) => [n * 4, 3] as const)), { slo: { p, latencyMs: 60_000, windowMs: 1 } });
  expect(few(3, 0.95)).toMatchObject({ jobs: 3, met: true });
  expect(few(3, 0.95).says[0]).toBe('Made from 3 jobs: of fewer than 20 a 95th percentile means nothing. Plan again when more have come.');
  expect(few(1, 0.93).says[0]).toMatch(/^Made from 1 job: of fewer than 20 a 93rd percentile/);
  expect([few(3, 0.95), few(20, 0.95)].map(isApplicable)).toEqual([false, true]);
  expect(few(20, 0.95).says[0]).toMatch(/is the cheapest of/);
});

test('where nothing meets the target: the nearest, what can be reached, and what a standing floor costs', () => {
  // Both come before a first start can be over.
  const missed = plan(jobsAt([0, 3], [1, 3], [300, 3]), { slo: { p: 0.95, latencyMs: 6_000, windowMs: 1 } });
  const { nearest, runs, peers: told } = missed;
  expect(missed).toMatchObject({ recommended: null, met: false, next_dollar: null });
  expect(nearest?.attainment).toBe(Math.max(...runs.map(({ attainment }) => attainment)));
  expect(told.every(({ cost_ratio }) => cost_ratio === null)).toBe(true);
  const [, ...says] = missed.says;
  expect(says[0]).toMatch(/^None of \d+ settings meets p95=6s\.$/);
  expect(says[1]).toMatch(/comes nearest: 33\.3 % in time, \$/);
  expect(says[2]).toMatch(/^p95=23s is reachable, with /);
  expect(says[3]).toMatch(
    /^A standing floor of 2 containers costs \$2\.\d\d\/h: no job waits once they are ready\. What misses p95=6s then came/,
  );
});

test('a target below the service time is refused with the lowest that is possible', () => {
  const slow = jobsAt([0, 3], [5, 5], [9, 9]);
  const given = question(slow, { slo: { p: 0.6, latencyMs: 5_000, windowMs: 1 }, outsideMs: { before: 400, after: 500 } });
  expect(() => preparePlan(given)).toThrow(
    'p60=5s cannot be met by any fleet: only 33.3 % of the jobs take no longer than that when they do not wait; the lowest that is possible is p60=5.9s',
  );
  expect(preparePlan({ ...given, slo: { ...given.slo, latencyMs: 5_900 } }).reachableMs).toBe(5_900);
});

test('a budget: what costs more is not recommended; where nothing fits, that is said', () => {
  const free = plan(drawTrace('sparse', 1), { startMs: 3_000 });
  const cost = free.recommended?.usd_per_hour as number;
  expect(plan(drawTrace('sparse', 1), { startMs: 3_000, budgetUsdPerHour: cost }).recommended).toEqual(free.recommended);
  const less = plan(drawTrace('sparse', 1), { startMs: 3_000, budgetUsdPerHour: cost * 0.99 });
  expect(less.recommended).toBeNull();
  expect(less.nearest?.usd_per_hour).toBeLessThan(cost);
  expect(less.met).toBe(false);
  expect(less.says.join(' ')).toMatch(/No setting meets p95=8s for \$.*comes nearest.*Meeting it costs \$.*, with slo\./);
  const none = plan(steady, { budgetUsdPerHour: 0.5 });
  expect(none).toMatchObject({ recommended: null, nearest: null, met: false, next_dollar: null });
  expect(none.says[0]).toMatch(/^No setting costs as little as \$0\.5\/h \(one GPU all the time: \$1\.2\/h\); the cheapest is .* for \$/);
  expect(() => plan(steady, { budgetUsdPerHour: 1, usdPerHour: null })).toThrow('A budget needs the price of a GPU-hour');
});

test('an empty trace is refused; a single job at time 0 is not', () => {
  expect(() => preparePlan(question(jobsAt()))).toThrow('trace has no jobs to plan for');
  expect(plan(jobsAt([0, 3]), { slo: { p: 0.95, latencyMs: 30_000, windowMs: 1 } }).met).toBe(true);
});

test('of a million jobs the busiest part and a typical one are planned for, and that is said', () => {
  // Three in ten of the jobs come half as fast as the next four in ten, and the last three in ten four times as fast as those.
  const at = (n: number): number => (n < 300_000 ? 2 * n : n < 700_000 ? 300_000 + n : 1_000_000 + (n - 700_000) / 4);
  const jobs = Array.from({ length: 1_000_000 }, (_, n) => [at(n), 1] as const);
  const { question: asked, sample, candidates, demand } = preparePlan(question(traceOf(jobs)));
  const { trace } = asked.source as Extract<PlanQuestion['source'], { type: 'trace' }>;
  expect(trace.jobs.length).toBe(mostJobs);
  expect(sample?.of_jobs).toBe(1_000_000);
  const [typical, busiest] = sample!.parts;
  expect(typical).toMatchObject({ what: 'typical' });
  expect(typical!.to_s - typical!.from_s).toBe(mostJobs / 2);
  expect(busiest).toMatchObject({ what: 'busiest' });
  expect(busiest!.to_s - busiest!.from_s).toBe(mostJobs / 8);
  expect(demand.load).toBeCloseTo(1.6, 2);
  expect(candidates.length).toBeLessThan(90);
});

test('a verdict on a sample says so, with its own size, and times as people say them', () => {
  // Two days of jobs, of which a thousandth is at work at once.
  const jobs = Array.from({ length: 20_000 }, (_, n) => [n * 10, 0.01] as const);
  const prepared = preparePlan(question(traceOf(jobs), { slo: patient }));
  const runs = [
    evaluate(
      prepared,
      prepared.candidates.find(({ policy }) => policy === 'fixed')!,
    ),
  ];
  const says = sentencesOf(prepared, runs, { recommended: runs[0]!, nearest: null, jobs: runs[0]!.jobs });
  expect(says[0]).toMatch(/^fixed min_containers=1 is the cheapest of 1 settings that meets p95=30s on a sample: \$/);
  expect(says[1]).toBe(
    'The sample: 15000 of 20000 jobs, those of the typical part (0 s to 20 h 50 min) and the busiest part (20 h 50 min to 41 h 40 min), joined; ' +
      'costs per hour are those of these parts, not of all of it.',
  );
  expect([0, 99.4, 101, 5_940, 7_200, 160_539.8].map(spanName)).toEqual(['0 s', '99 s', '2 min', '99 min', '2 h', '44 h 36 min']);
});

test('parts of a long trace keep their order, their gaps and their jobs', () => {
  fc.assert(
    fc.property(tinyTrace, fc.integer({ min: 2, max: 6 }), ({ jobs }, most) => {
      const { trace, sample } = sampleOf({ name: '', jobs }, most);
      if (jobs.length <= most) {
        expect({ jobs: trace.jobs, sample }).toEqual({ jobs, sample: null });
        return;
      }
      expect(trace.jobs.length).toBe(2 * Math.floor(most / 2));
      expect(trace.jobs.map(({ arrivalMs }) => arrivalMs)).toEqual(trace.jobs.map(({ arrivalMs }) => arrivalMs).toSorted((a, b) => a - b));
      expect(trace.jobs[0]?.arrivalMs).toBe(0);
      expect(sample?.of_jobs).toBe(jobs.length);
    }),
  );
});

test('demand: what is at work in the mean, and at most at once', () => {
  expect(demandOf(jobsAt([0, 4], [2, 4], [6, 2]).jobs, 10_000)).toEqual({ load: 1, peak: 2 });
  // One that ends when the next comes does not count with it.
  expect(demandOf(jobsAt([0, 2], [2, 2]).jobs, 4_000)).toEqual({ load: 1, peak: 1 });
});

test('users who wait: fixed fleets below the load are tried, too, and there is no bound', () => {
  const users = { users: 10, endMs: 600_000, pauseMs: [1_000, 5_000], serviceMs: [3_400, 3_600], seed: 1 } as const;
  const change = { source: { type: 'users', users }, outsideMs: { before: 450, after: 450 }, startMs: 15_500 } as const;
  const asked = question(steady, { ...change, slo: { p: 0.9, latencyMs: 6_000, windowMs: 1 } });
  const prepared = preparePlan(asked);
  expect(prepared.demand).toEqual({ load: 35 / 7.4, peak: 10 });
  const sizes = prepared.candidates.filter(({ policy }) => policy === 'fixed').map(({ settings }) => settings['min_containers']);
  expect(sizes).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const seven = evaluate(
    prepared,
    prepared.candidates.find(({ settings }) => settings['min_containers'] === 7)!,
  );
  expect(seven.usd_per_hour).toBeCloseTo(8.4, 9);
  expect(seven.span_s).toBe(480);
  // Those of the first two minutes, of whom some waited for a start, are not among them.
  expect(seven.jobs).toBeLessThan(700);
  expect(seven.meets).toBe(true);
  const never = { ...asked, source: { type: 'users', users: { ...users, endMs: 0 } } } as const;
  expect(() => preparePlan(never)).toThrow('The users need some time to ask in');
  const endless = preparePlan({ ...asked, source: { type: 'users', users: { ...users, users: 1_000, endMs: 1e9 } } });
  expect(endless.spanMs).toBe(Math.floor((mostJobs / 1_000) * 7_400));
  expect(endless.sample?.parts).toEqual([{ what: 'beginning', from_s: 0, to_s: endless.spanMs / 1000 }]);
});

test('no candidate is there twice, and each has settings that its policy knows', () => {
  for (const load of [0.01, 0.6, 4.7, 300, 20_000]) {
    const candidates = candidatesFor({ load, peak: Math.ceil(load * 3) }, { closed: false });
    expect(new Set(candidates.map(keyOf)).size).toBe(candidates.length);
    const prepared = preparePlan(question(jobsAt([0, 1])));
    for (const { policy, settings } of candidates) {
      const scaling = flatScaling(policy, settings);
      expect(evaluate(prepared, { policy, settings, scaling }).jobs).toBe(1);
    }
  }
});
