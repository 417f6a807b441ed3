import { describe, expect, test } from 'vitest';
import { defaultScaling, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { drawTrace } from '../planning/workloads.ts';
import { openHighs } from '../solver/highs.ts';
import { possibleOf, solveBound } from './bound.ts';
import { candidatesOf, fixedAt } from './candidates.ts';
import { replay, type ReplayInput } from './replay.ts';

const withSlo = (latencyMs: number, change: Partial<ScalingSettings> = {}): ScalingSettings => ({
  ...defaultScaling,
  slo: { ...defaultScaling.slo, latencyMs },
  ...change,
});

/** Ten minutes of the steady workload. */
const jobs = drawTrace('steady', 1).jobs.filter(({ arrivalMs }) => arrivalMs < 600_000);
const input: ReplayInput = {
  jobs,
  scaling: withSlo(8_000),
  timing: { startMs: 20_000, beforeMs: 100, afterMs: 400, loadMs: 0 },
  slots: 100,
  horizonMs: 600_000,
  usdPerHour: 1.1,
};

describe('candidates', () => {
  test('begin with what there is, and leave out what is the same', () => {
    const names = (scaling: ScalingSettings) => candidatesOf(scaling).map(({ name }) => name);
    expect(names(defaultScaling)).toEqual(['now', 'slo', 'per-input-5m', 'concurrency', 'request-count']);
    expect(names({ ...defaultScaling, minContainers: 1 })).toEqual([
      'now',
      'slo',
      'per-input',
      'per-input-5m',
      'concurrency',
      'request-count',
    ]);
    expect(names({ ...defaultScaling, policy: 'slo' })).not.toContain('slo');
  });

  test('keep the target, the limit and the budget, and nothing else', () => {
    const budget = { usdPerHour: 3, hard: true };
    const scaling = withSlo(9_000, { budget, maxContainers: 7, minContainers: 2, maxInputs: 4, targetInputs: 4 });
    for (const { scaling: other } of candidatesOf(scaling).slice(1)) {
      expect(other).toMatchObject({ slo: scaling.slo, budget, maxContainers: 7, minContainers: 0, maxInputs: 1 });
    }
  });
});

describe('a replay', () => {
  const runs = replay(input);

  test('is the same each time', () => {
    expect(replay(input)).toEqual(runs);
  });

  test('finds the fewest containers that meet the target when they always run', () => {
    const { floor } = runs;
    expect(floor).toMatchObject({ meets: true, peakContainers: floor?.containers });
    // From their start before the window to the end of the last job.
    expect((floor?.gpuSeconds ?? 0) / (floor?.containers ?? 0)).toBeGreaterThanOrEqual(620);
    expect((floor?.gpuSeconds ?? 0) / (floor?.containers ?? 0)).toBeLessThan(630);
    const fewer = fixedAt((floor?.containers ?? 0) - 1, input.scaling);
    const ready = { ...input, jobs: jobs.map((job) => ({ ...job, arrivalMs: job.arrivalMs + 20_000 })), horizonMs: 620_000 };
    expect(replay({ ...ready, scaling: fewer }).candidates[0].meets).toBe(false);
    expect(replay({ ...ready, scaling: fixedAt(floor?.containers ?? 0, input.scaling) }).candidates[0].attainment).toBe(floor?.attainment);
  });

  test('a hard budget holds in it, and what always runs is told whatever it costs', () => {
    const budget = { usdPerHour: 1.5, hard: true };
    const held = replay({ ...input, scaling: { ...input.scaling, budget } });
    for (const [index, { name, peakContainers, attainment }] of held.candidates.entries()) {
      // A full bucket: $1.50 an hour, and $1.50 within five minutes.
      expect([name, peakContainers <= 17]).toEqual([name, true]);
      expect(attainment).toBeLessThanOrEqual(runs.candidates[index]?.attainment ?? 0);
    }
    expect(held.candidates[0].gpuSeconds).toBeLessThan(runs.candidates[0].gpuSeconds);
    expect(held.floor).toEqual(runs.floor);
  });

  test('containers that always run have started before the window begins', () => {
    const two = [0, 0].map((arrivalMs) => ({ arrivalMs, serviceMs: 4_000, model: '', user: null, workflow: '' }));
    const { floor } = replay({ ...input, jobs: two, horizonMs: 60_000 });
    expect(floor).toMatchObject({ containers: 2, attainment: 1, p95S: 4.5, gpuSeconds: 160 });
  });

  test('costs no more with fast starts, and tells of them only where starts are slow', () => {
    const slo = runs.candidates.find(({ name }) => name === 'slo');
    expect(runs.fast?.gpuSeconds).toBeLessThan(slo?.gpuSeconds ?? 0);
    expect(replay({ ...input, timing: { ...input.timing, startMs: 3_000 } }).fast).toBeNull();
  });

  test('no number of containers makes a job shorter than it is', () => {
    const impossible = { ...input, scaling: withSlo(3_000) };
    expect(replay(impossible).floor).toBeNull();
    expect(possibleOf(impossible).share).toBeLessThan(0.5);
    // Half a second passes outside the GPU.
    expect(possibleOf(impossible).latencyMs).toBeGreaterThan(3_500);
  });

  test('costs more than the bound, which is solved again only for other jobs', async () => {
    const bound = solveBound(input, null, await openHighs());
    for (const { meets, gpuSeconds } of runs.candidates) if (meets) expect(gpuSeconds).toBeGreaterThan(bound.gpuSeconds);
    expect(bound.gpuSeconds).toBeGreaterThan(jobs.reduce((sum, { serviceMs }) => sum + serviceMs / 1000, 0));
    const unsolvable = (): never => {
      throw new Error('solved again');
    };
    // The window moves on, its jobs stay.
    const later = { ...input, jobs: jobs.map((job) => ({ ...job, arrivalMs: job.arrivalMs + 60_000 })) };
    expect(solveBound(later, bound, unsolvable)).toBe(bound);
    expect(() => solveBound({ ...input, jobs: jobs.slice(1) }, bound, unsolvable)).toThrow('solved again');
  });
});
