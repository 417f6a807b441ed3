import { expect, test } from 'vitest';
import { defaultScaling, type PolicyName } from '../fleet/scaling/settings.ts';
import { drawTrace } from './workloads.ts';
import { simulate, type SimulationInput } from './simulator.ts';

const trace = drawTrace('steady', 3);

const run = (faults: NonNullable<SimulationInput['faults']>, policy: PolicyName = 'per-input') =>
  simulate({
    source: trace,
    scaling: { ...defaultScaling, policy, minContainers: policy === 'fixed' ? 8 : 0 },
    startMs: 5_000,
    horizonMs: null,
    periodMs: 100,
    slots: 1_000,
    faults,
    seed: 2,
  });

test('containers that die with their jobs: each job is answered, in the share drawn they need another try', () => {
  const { responsesMs, retries, starts } = run({ crashPerJob: 0.05 });
  expect(responsesMs.every((ms, n) => ms >= trace.jobs[n]!.serviceMs)).toBe(true);
  expect(retries / trace.jobs.length).toBeGreaterThan(0.04);
  expect(retries / trace.jobs.length).toBeLessThan(0.065);
  expect(starts).toBeGreaterThan(run({}).starts);
});

test('a job that lost its container keeps its age: it goes before those that came after it', () => {
  const jobs = [0, 1, 2].map((at) => ({ arrivalMs: at, serviceMs: 1_000, model: '', user: null, workflow: '' }));
  const scaling = { ...defaultScaling, policy: 'fixed' as const, minContainers: 1 };
  const outcomes = Array.from({ length: 40 }, (_, seed) => {
    const faults = { crashPerJob: 0.2 };
    return simulate({ source: { name: 't', jobs }, scaling, startMs: 100, faults, seed, horizonMs: null, periodMs: 0, slots: 1 });
  });
  expect(outcomes.some(({ retries }) => retries > 0)).toBe(true);
  for (const { responsesMs } of outcomes) expect([...responsesMs]).toEqual([...responsesMs].toSorted((a, b) => a - b));
});

test('starts that fail cost their time and are tried again after a pause', () => {
  const scaling = { ...defaultScaling, policy: 'fixed' as const, minContainers: 1 };
  const source = { name: 't', jobs: [{ arrivalMs: 0, serviceMs: 1_000, model: '', user: null, workflow: '' }] };
  const base = { source, scaling, startMs: 1_000, horizonMs: 0, periodMs: 0, slots: 1 };
  // The first seed whose first two starts fail and whose third does not.
  const found = Array.from({ length: 100 }, (_, seed) => simulate({ ...base, faults: { failedStarts: 0.5 }, seed })).find(
    ({ starts }) => starts === 3,
  )!;
  // Pauses of 1 s and 2 s after them.
  expect([...found.responsesMs]).toEqual([1_000 + 1_000 + 1_000 + 2_000 + 1_000 + 1_000]);
  expect(found.gpuSeconds).toEqual({ start: 3, busy: 1, idle: 0, total: 4 });
});

test.each<PolicyName>(['per-input', 'concurrency', 'keda', 'fixed'])(
  '%s gets through crashes and failed starts; the same seed gives the same run',
  (policy) => {
    const faults = { crashPerJob: 0.02, failedStarts: 0.1 };
    const outcome = run(faults, policy);
    expect(outcome.responsesMs.every((ms) => ms > 0)).toBe(true);
    expect(run(faults, policy)).toEqual(outcome);
  },
);
