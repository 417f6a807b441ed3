import { describe, expect, test } from 'vitest';
import { Draw } from '../../planning/random.ts';
import { quantile, variation } from './lognormal.ts';
import { ServiceTimes } from './service-times.ts';

test('before anything is known it is the guess, give or take a factor', () => {
  const services = new ServiceTimes(5);
  expect(services.predict().mean).toBeCloseTo(5, 9);
  expect(quantile(services.predict(), 1) / quantile(services.predict(), 0)).toBeCloseTo(Math.exp(0.5), 9);
  expect(services.predict('w')).toEqual(services.predict());
  expect(services.knows('w')).toBe(false);
});

test('the guess weighs as much as three jobs', () => {
  const services = new ServiceTimes(8);
  for (const [n, seconds] of [1, 2, 4, 16].entries()) {
    services.learn('w', seconds);
    // The guess is of the mean; the median of a lognormal lies e^(sigma^2 / 2) below.
    const median = 8 / Math.exp(0.5 ** 2 / 2);
    const logs = [median, median, median, ...[1, 2, 4, 16].slice(0, n + 1)].map(Math.log);
    expect(services.predict().mu).toBeCloseTo(logs.reduce((sum, log) => sum + log, 0) / logs.length, 9);
  }
});

test('it comes to mean and spread of what it sees, whatever the guess', () => {
  const seeds = Array.from({ length: 40 }, (_, seed) => {
    const [draw, services] = [new Draw(seed), new ServiceTimes(seed % 2 === 0 ? 0.1 : 100)];
    for (let n = 0; n < 400; n++) services.learn('w', draw.lognormal(3, 0.3));
    return { all: services.predict(), own: services.predict('w') };
  });
  const average = (of: (seed: (typeof seeds)[number]) => number): number => seeds.reduce((sum, seed) => sum + of(seed), 0) / seeds.length;
  for (const which of ['all', 'own'] as const) {
    expect(Math.abs(average((seed) => seed[which].mean) / 3 - 1)).toBeLessThan(0.05);
    expect(Math.abs(average((seed) => variation(seed[which])) / 0.3 - 1)).toBeLessThan(0.1);
    // The last fifty or so count, whose mean varies by 3 %.
    for (const seed of seeds) expect(Math.abs(seed[which].mean / 3 - 1)).toBeLessThan(0.15);
  }
});

test('it follows times that change, and forgets those before within some hundred jobs', () => {
  const services = new ServiceTimes(2);
  for (let n = 0; n < 500; n++) services.learn('w', 2);
  for (let n = 0; n < 300; n++) services.learn('w', 20);
  expect(quantile(services.predict('w'), 0)).toBeCloseTo(20, 0);
});

describe('a class', () => {
  test('is known by its first job, with half of the spread that was expected', () => {
    const services = new ServiceTimes(2);
    const before = services.predict().sigma ** 2;
    services.learn('long', 60);
    expect(services.knows('long')).toBe(true);
    expect(quantile(services.predict('long'), 0)).toBeCloseTo(60, 9);
    expect(services.predict('long').sigma ** 2).toBeCloseTo(before / 2, 9);
  });

  test('keeps apart from others, which all together show', () => {
    const services = new ServiceTimes(2);
    for (let n = 0; n < 200; n++) {
      services.learn('short', 1);
      services.learn('long', 100);
    }
    const medianOf = (workflow?: string): number => quantile(services.predict(workflow), 0);
    expect([medianOf('short'), medianOf('long')]).toEqual([expect.closeTo(1, 6), expect.closeTo(100, 4)]);
    expect(medianOf()).toBeCloseTo(10, -0.5);
    expect(services.predict('short').sigma).toBeLessThan(0.1);
    expect(services.predict('other')).toEqual(services.predict());
  });
});

test('a job that took no time at all breaks nothing', () => {
  const services = new ServiceTimes(2);
  services.learn('w', 0);
  expect(services.predict('w').mean).toBeGreaterThan(0);
});
