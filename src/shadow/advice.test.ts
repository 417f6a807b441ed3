import { expect, test } from 'vitest';
import { advise, type AdviceInput } from './advice.ts';
import type { Run, Runs } from './replay.ts';

const hour = 3_600_000;
/** A run that costs so many dollars in a day at $1 for an hour of a container. */
const run = (name: string, attainment: number, usd: number): Run => ({
  name,
  label: name === 'now' ? 'per-input as it is' : name,
  attainment,
  p95S: 5,
  gpuSeconds: usd * 3600,
  peakContainers: 3,
  meets: attainment >= 0.95,
});
const floorOf = (containers: number, usd: number): Runs['floor'] => ({ ...run('fixed', 0.96, usd), containers });

const advice = (candidates: Runs['candidates'], change: Partial<Runs> & Partial<AdviceInput> = {}): string => {
  const { floor = null, fast = null, ...input } = change;
  const usual = {
    slo: { p: 0.95, latencyMs: 6_000 },
    room: 4,
    windowMs: 24 * hour,
    usdPerHour: 1,
    budget: null,
    possible: { share: 1, latencyMs: 4_000 },
  };
  return advise({ runs: { candidates, floor, fast }, ...usual, ...input });
};

test('cheaper settings that meet the target, beside what there is', () => {
  expect(advice([run('now', 0.98, 3.1), run('slo', 0.97, 1.2)])).toBe(
    'Policy slo would have met p95 of 6 s (97 % of the jobs) for $1.20 a day instead of $3.10 a day (simulated on the last 24 h).',
  );
});

test('settings that meet it where those of now do not', () => {
  expect(advice([run('now', 0.882, 1), run('slo', 0.97, 3), run('concurrency', 0.99, 5)])).toBe(
    'Policy slo would have met p95 of 6 s (97 % of the jobs) for $3.00 a day; per-input as it is comes to 88.2 % for $1.00 a day ' +
      '(simulated on the last 24 h).',
  );
});

test('what would save less than a tenth is not worth a change', () => {
  expect(advice([run('now', 0.96, 3), run('slo', 0.96, 2.8)])).toBe(
    'Nothing to change: per-input as it is meets p95 of 6 s (96 % of the jobs) for $3.00 a day (simulated on the last 24 h).',
  );
});

test('a target that only containers which always run can meet, and what faster starts would save', () => {
  const floor = floorOf(3, 73);
  expect(advice([run('now', 0.6, 8), run('slo', 0.8, 30)], { floor, fast: run('slo', 0.97, 1.92) })).toBe(
    'p95 of 6 s needs 3 containers always on ($72.00 a day); per-input as it is comes to 60 % for $8.00 a day; with starts of 3 s it would ' +
      'cost about $1.92 a day (simulated on the last 24 h).',
  );
  // Faster starts that save little are not spoken of.
  expect(advice([run('now', 0.6, 8)], { floor, fast: run('slo', 0.97, 70) })).not.toContain('starts of 3 s');
  expect(advice([run('now', 0.6, 8)], { floor: floorOf(5, 120) })).toContain(
    '5 containers always on ($120.00 a day), and there is room for 4;',
  );
  expect(advice([run('now', 0.99, 240)], { floor: floorOf(1, 24) })).toContain(
    '1 container always on ($24.00 a day) instead of $240.00 a day',
  );
});

test('a policy that is cheaper than containers which always run is the advice, not they', () => {
  expect(advice([run('now', 0.6, 8), run('slo', 0.96, 30)], { floor: floorOf(3, 79.2) })).toContain('Policy slo would have met');
});

test('nothing meets it: what comes nearest', () => {
  expect(advice([run('now', 0.6, 8), run('slo', 0.9, 30)], { fast: run('slo', 0.97, 2) })).toBe(
    'No setting that was tried meets p95 of 6 s; the nearest, slo, comes to 90 % of the jobs; with starts of 3 s it would cost about $2.00 a ' +
      'day (simulated on the last 24 h).',
  );
});

test('what a hard budget forbids is no advice: it says what it would cost', () => {
  const floor = floorOf(16, 384);
  const now = run('now', 0.6, 8);
  expect(advice([now, run('slo', 0.8, 30)], { floor, budget: 1.5 })).toBe(
    'No setting that was tried meets p95 of 6 s within the hard budget of $1.50 an hour; the nearest, slo, comes to 80 % of the jobs; ' +
      '16 containers always on would meet it for $384.00 a day (simulated on the last 24 h).',
  );
  expect(advice([now], { budget: 1.5 })).toBe(
    'No setting that was tried meets p95 of 6 s within the hard budget of $1.50 an hour; the nearest, per-input as it is, comes to 60 % of the ' +
      'jobs (simulated on the last 24 h).',
  );
  // What the budget just pays for, and what has no price, is.
  expect(advice([now], { floor, budget: 16 })).toContain('p95 of 6 s needs 16 containers always on');
  expect(advice([now], { floor, budget: 1.5, usdPerHour: null })).toContain('p95 of 6 s needs 16 containers always on');
});

test('a target that no number of containers can meet: what is possible', () => {
  expect(advice([run('now', 0.5, 8)], { possible: { share: 0.8, latencyMs: 9_000 } })).toBe(
    'p95 of 6 s cannot be met: only 80 % of the jobs take no longer than that by themselves; with enough containers p95 of 9 s is possible ' +
      '(simulated on the last 24 h).',
  );
});

test.each([
  [{ usdPerHour: null }, '3.10 container-hours a day'],
  // Of an hour no day is told.
  [{ windowMs: hour }, '$3.10 an hour (simulated on the last 60 min)'],
  [{ windowMs: 6 * hour, usdPerHour: 6 }, '$3.10 an hour (simulated on the last 6 h)'],
  [{ windowMs: 12 * hour }, '$6.20 a day (simulated on the last 12 h)'],
  [{ usdPerHour: 0.001 }, '$0.0031 a day'],
])('%j is told as %s', (change, words) => {
  expect(advice([run('now', 0.99, 3.1)], change)).toContain(words);
});
