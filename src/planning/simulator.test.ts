import { describe, expect, test } from 'vitest';
import { flatScaling } from '../config/flat-scaling.ts';
import { defaultScaling, policyNames, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { Draw } from './random.ts';
import { UserFeed, type ClosedLoop } from './closed-loop.ts';
import { simulate, type SimulationInput } from './simulator.ts';
import { leastLatenciesMs, summarize } from './summary.ts';
import { Timeline } from './timeline.ts';
import type { TraceJob } from './trace.ts';

const fixed = (containers: number, more: Partial<ScalingSettings> = {}): ScalingSettings => ({
  ...defaultScaling,
  policy: 'fixed',
  minContainers: containers,
  ...more,
});

const run = (input: Partial<SimulationInput> & Pick<SimulationInput, 'source' | 'scaling'>) =>
  simulate({ startMs: 0, horizonMs: null, periodMs: 100, slots: 1_000, ...input });

const job = (arrivalMs: number, serviceMs: number): TraceJob => ({ arrivalMs, serviceMs, model: '', user: null, workflow: '' });
const trace = (...jobs: TraceJob[]) => ({ name: 't', jobs });

/** 3.5 s on the GPU, pauses of 1 to 5 s. */
const collage = (users: number, seconds: number): ClosedLoop => ({
  name: `${users} users`,
  levels: [{ fromMs: 0, users, overMs: 0 }],
  endMs: seconds * 1000,
  pauseMs: (draw) => draw.between(1_000, 5_000),
  serviceMs: () => 3_500,
  seed: 5,
});

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('time outside the GPU', () => {
  const outsideMs = { before: 400, after: 500 };

  test('a container that takes one prompt at a time is held for all of it', () => {
    const { responsesMs, gpuSeconds } = run({ source: trace(job(0, 3_500), job(0, 3_500)), scaling: fixed(1), outsideMs });
    expect([...responsesMs]).toEqual([4_400, 8_800]);
    expect(gpuSeconds.busy).toBeCloseTo(8.8, 9);
  });

  test('prompts that share a container take turns on its GPU alone', () => {
    const jobs = Array.from({ length: 4 }, () => job(0, 3_500));
    const { responsesMs } = run({ source: trace(...jobs), scaling: fixed(1, { maxInputs: 4 }), outsideMs });
    expect([...responsesMs]).toEqual([4_400, 7_900, 11_400, 14_900]);
  });

  test('whoever comes first into the queue of a container goes first', () => {
    const jobs = [job(0, 1_000), job(100, 1_000), job(200, 1_000)];
    const { responsesMs } = run({ source: trace(...jobs), scaling: fixed(1, { maxInputs: 9 }), outsideMs: { before: 50, after: 0 } });
    expect([...responsesMs]).toEqual([1_050, 1_950, 2_850]);
  });
});

describe('users who wait for their answers', () => {
  const outsideMs = { before: 450, after: 450 };

  test('ten of them with a container each: an answer takes what a job takes', () => {
    const { responsesMs } = run({ source: collage(10, 600), scaling: fixed(10), outsideMs });
    expect(new Set([...responsesMs].map((ms) => ms.toFixed(6)))).toEqual(new Set(['4400.000000']));
  });

  test('ten of them on one GPU wait N x S less their pause in the mean', () => {
    const { responsesMs } = run({ source: collage(10, 20_000), scaling: fixed(1, { maxInputs: 10 }), outsideMs });
    expect(mean(responsesMs.subarray(10)) / 1000).toBeCloseTo(10 * 3.5 - 3, 1);
  });

  test('they join over the time given, leave after their answer, and nobody asks after the end', () => {
    const levels = [
      { fromMs: 0, users: 2, overMs: 0 },
      { fromMs: 10_000, users: 6, overMs: 8_000 },
      { fromMs: 40_000, users: 1, overMs: 0 },
    ];
    const source = { ...collage(0, 60), levels };
    const once = run({ source: { ...source, pauseMs: () => 60_000 }, scaling: fixed(9) });
    expect(once.jobs.map(({ arrivalMs }) => arrivalMs)).toEqual([0, 0, 10_000, 12_000, 14_000, 16_000]);
    const { jobs, endMs } = run({ source, scaling: fixed(9) });
    const late = jobs.map(({ arrivalMs }) => arrivalMs).filter((at) => at >= 40_000);
    expect(late.length).toBeGreaterThan(1);
    late.slice(1).forEach((at, n) => expect(at - late[n]!).toBeGreaterThanOrEqual(3_500 + 1_000));
    expect(late.at(-1)).toBeLessThan(60_000);
    expect(endMs).toBeGreaterThanOrEqual(60_000);
  });

  test('what a user asks and how it pauses depends neither on how fast it is answered nor on how many there are', () => {
    const source: ClosedLoop = { ...collage(0, 300), serviceMs: (draw) => Math.round(draw.exponential(3_000)) };
    /** The second user's jobs and pauses, where only it is answered, each time after so long. */
    const second = (users: number, answerMs: number) => {
      const timeline = new Timeline();
      const feed = new UserFeed({ ...source, levels: [{ fromMs: 0, users, overMs: 0 }] });
      const seen: { service: number; pause: number }[] = [];
      let arrived = 0;
      let answeredAt = 0;
      feed.begin(timeline, (job) => {
        const number = arrived++;
        if (number !== 1 && number < users) return;
        seen.push({ service: job.serviceMs, pause: Math.round(timeline.now() - answeredAt) });
        timeline.at(timeline.now() + answerMs, () => {
          answeredAt = timeline.now();
          feed.answered(job);
        });
      });
      while (timeline.peek()) timeline.step();
      return seen.slice(0, 20);
    };
    expect(second(2, 100)).toHaveLength(20);
    expect(second(5, 7_000)).toEqual(second(2, 100));
  });
});

test('models: the first one of a container and each change cost a load, which only changes count for', () => {
  const jobs = ['a', 'a', 'b', '', 'b', 'a'].map((model, n) => ({ ...job(n * 10_000, 1_000), model }));
  const outcome = run({ source: trace(...jobs), scaling: fixed(1), loadMs: (_, model) => (model === 'a' ? 3_000 : 5_000) });
  expect([...outcome.responsesMs]).toEqual([4_000, 1_000, 6_000, 1_000, 1_000, 4_000]);
  expect([outcome.firstLoads, outcome.modelSwitches]).toEqual([1, 2]);
});

test('with six containers and 32 models, independent of each other, as popular as in production, few jobs load one', () => {
  const draw = new Draw(8);
  // Requests by base model as GenTD26 published them, and twenty rare ones: random containers would hold the wrong one for 85 % of the jobs.
  const rare = Array.from({ length: 20 }, () => 90);
  const weights = [8234, 4012, 2511, 2114, 2016, 1147, 961, 815, 719, 712, 576, 233, ...rare];
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const pick = (): string => {
    let left = draw.uniform() * all;
    return `m${weights.findIndex((weight) => (left -= weight) < 0)}`;
  };
  let at = 0;
  const jobs = Array.from({ length: 5_000 }, () => {
    at += Math.round(draw.exponential(9_000));
    return { ...job(at, Math.round(draw.lognormal(17_000, 0.55))), model: pick() };
  });
  const { modelSwitches } = run({ source: trace(...jobs), scaling: fixed(6), loadMs: () => 22_000 });
  // Six containers that keep the six first models, and never are busy when one of them is asked for, would load for 23 % of the jobs.
  expect(modelSwitches / jobs.length).toBeLessThan(0.5);
});

describe('jobs that nobody answers are given up', () => {
  const seconds = (...at: number[]) => trace(...at.map((s) => job(s * 1000, 3_500)));
  const slo = { p: 0.95, latencyMs: 6_000, windowMs: 300_000 };
  const summaryOf = (outcome: ReturnType<typeof run>) => summarize(outcome, { slo, usdPerHour: 1 });
  const settings = (policy: PolicyName, flat: Record<string, unknown> = {}): ScalingSettings => flatScaling(policy, flat);

  test.each(policyNames)('max_containers: 0 under %s', (policy) => {
    const outcome = run({ source: seconds(0, 1, 2), scaling: settings(policy, { max_containers: 0 }), periods: 10 });
    const { jobs, unfinished, attainment, windows_attained, latency_s, gpu_seconds } = summaryOf(outcome);
    expect({ jobs, unfinished, attainment, windows_attained }).toEqual({ jobs: 3, unfinished: 3, attainment: 0, windows_attained: 0 });
    expect(latency_s).toEqual({ p50: 0, p95: 0, p99: 0 });
    expect(gpu_seconds.total).toBe(0);
    expect(outcome.events).toBeLessThan(20_000);
  });

  test('users who are never answered', () => {
    const outcome = run({ source: collage(3, 60), scaling: settings('concurrency', { max_containers: 0 }) });
    expect(summaryOf(outcome)).toMatchObject({ jobs: 3, unfinished: 3, attainment: 0 });
  });

  test('too few jobs to wake KEDA, after others that it answered', () => {
    const scaling = settings('keda', { activation_threshold: 5, cooldown: '60s' });
    const outcome = run({ source: seconds(...Array.from({ length: 10 }, () => 0), 900, 901), scaling });
    const { jobs, unfinished, attainment, latency_s } = summaryOf(outcome);
    expect([jobs, unfinished]).toEqual([12, 2]);
    expect(attainment).toBeLessThanOrEqual(10 / 12);
    expect(latency_s.p99).toBeGreaterThan(3);
    expect(outcome.responsesMs.slice(10)).toEqual(Float64Array.from([Infinity, Infinity]));
    const waited = leastLatenciesMs(outcome);
    expect(waited.slice(0, 10)).toEqual(outcome.responsesMs.slice(0, 10));
    expect(waited.slice(10)).toEqual(Float64Array.from([outcome.endMs - 900_000, outcome.endMs - 901_000]));
    expect(waited[11]).toBeGreaterThan(3_600_000);
  });

  test('crashes that almost every try ends in are still waited for', () => {
    const outcome = run({ source: seconds(0, 0, 0), scaling: fixed(1), startMs: 60_000, faults: { crashPerJob: 0.95 }, seed: 3 });
    expect(outcome.retries).toBeGreaterThan(20);
    expect(summaryOf(outcome)).not.toHaveProperty('unfinished');
  });

  test('the slowest timers are waited for', () => {
    const outcome = run({ source: seconds(1), scaling: settings('keda', { polling_interval: '1h' }) });
    expect([...outcome.responsesMs]).toEqual([3_600_000 - 1_000 + 3_500]);
  });
});

test('latencies are told to the millisecond', () => {
  const outcome = run({ source: collage(10, 600), scaling: fixed(1) });
  expect(outcome.responsesMs.some((ms) => ms !== Math.round(ms))).toBe(true);
  const { latency_s } = summarize(outcome, { slo: { p: 0.95, latencyMs: 6_000, windowMs: 300_000 }, usdPerHour: null });
  for (const value of Object.values(latency_s)) expect(value).toBe(Math.round(value * 1000) / 1000);
});

describe('a budget', () => {
  /** A job every 10 s for six hours. */
  const source = trace(...Array.from({ length: 2_160 }, (_, n) => job(n * 10_000, 30_000)));
  const hours = (outcome: ReturnType<typeof run>) => outcome.gpuSeconds.total / 3600 / (outcome.endMs / 3_600_000);

  test('that is hard bounds what containers cost on the mean, and what they cannot pay for waits', () => {
    const budget = { 'budget.usd_per_hour': 1, 'budget.hard': true };
    const free = run({ source, scaling: flatScaling('per-input', {}), usdPerHour: 0.5, startMs: 20_000 });
    const bound = run({ source, scaling: flatScaling('per-input', budget), usdPerHour: 0.5, startMs: 20_000 });
    expect(hours(free)).toBeGreaterThan(2.8);
    // Two containers of $0.50, and what the first hour had saved up.
    expect(hours(bound)).toBeLessThanOrEqual(2 + 2 / 6);
    expect(bound.endMs).toBeGreaterThan(free.endMs);
    expect(bound.responsesMs.every(Number.isFinite)).toBe(true);
  });

  test('that pays for no container at all leaves every job', () => {
    const scaling = flatScaling('per-input', { 'budget.usd_per_hour': 0.01, 'budget.hard': true });
    const outcome = run({ source: trace(job(0, 1_000)), scaling, usdPerHour: 1 });
    expect(outcome.starts).toBe(0);
    expect([...outcome.responsesMs]).toEqual([Infinity]);
  });
});
