import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apart, counts, cv, dispersion, intervals, mean } from '../../../test/support/arrivals.ts';
import { Draw } from '../random.ts';
import { poisson, stepwise, thinned } from './poisson.ts';
import { chooser, fashion, scaled, zipf } from './popularity.ts';
import { gammaIntervals, renewal, timer, weibullIntervals } from './renewal.ts';
import { switching } from './switching.ts';

describe('processes', () => {
  test('Poisson: rate, intervals of CV 1, counts of dispersion 1', () => {
    const arrivals = poisson(new Draw(1), 0, 100_000, 0.5);
    expect(apart(arrivals.length, 50_000)).toBeLessThan(0.02);
    expect(apart(cv(intervals(arrivals)), 1)).toBeLessThan(0.02);
    expect(apart(dispersion(counts(arrivals, 100_000, 20)), 1)).toBeLessThan(0.06);
  });

  test('a rate that changes is followed, thinned or by steps', () => {
    const rate = (at: number): number => (at < 5_000 ? 0.2 : 1.8);
    for (const arrivals of [thinned(new Draw(2), 10_000, 2, rate), stepwise(new Draw(2), 10_000, 1_000, rate)]) {
      const early = arrivals.filter((at) => at < 5_000).length;
      expect(apart(early, 1_000)).toBeLessThan(0.1);
      expect(apart(arrivals.length - early, 9_000)).toBeLessThan(0.04);
    }
  });

  test.each([
    ['Gamma', gammaIntervals, 0.5],
    ['Gamma', gammaIntervals, 4],
    ['Weibull', weibullIntervals, 0.5],
    ['Weibull', weibullIntervals, 1],
    ['Weibull', weibullIntervals, 4],
  ])('%s intervals have their mean and CV', (_, kind, variation) => {
    const draw = new Draw(3);
    const { next } = kind(10, variation);
    const values = Array.from({ length: 400_000 }, () => next(draw));
    expect(apart(mean(values), 10)).toBeLessThan(0.03);
    expect(apart(cv(values), variation)).toBeLessThan(0.05);
  });

  // From an arrival on, a process of CV 4 would have 7.5 more than these 2 in the mean.
  test.each([
    ['Gamma', gammaIntervals(10, 4)],
    ['Weibull', weibullIntervals(10, 4)],
    ['timer', timer(10)],
  ])('%s: a renewal process that is looked at from anywhere has its rate from the start', (_, kind) => {
    const draw = new Draw(4);
    const numbers = Array.from({ length: 20_000 }, () => renewal(draw, 100, 120, kind).length);
    expect(apart(mean(numbers), 2)).toBeLessThan(0.06);
  });

  test('a process that switches has the rates of its states for as long as they last', () => {
    const states = [
      { rate: 0.1, mean: 90 },
      { rate: 4, mean: 10 },
    ];
    const arrivals = switching(new Draw(5), 200_000, states);
    expect(apart(arrivals.length, 0.49 * 200_000)).toBeLessThan(0.06);
    // 1 + 2 p (1 - p) (difference of rates)^2 / mean rate x integral of the correlation over the window, relaxation time 9 s.
    const expected = 1 + ((2 * 0.09 * 3.9 ** 2) / 0.49) * (9 - (81 / 100) * (1 - Math.exp(-100 / 9)));
    expect(apart(dispersion(counts(arrivals, 200_000, 100)), expected)).toBeLessThan(0.1);
  });

  test('all of them: in order and within their time, whatever the seed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 500 }), (seed, seconds) => {
        const draw = new Draw(seed);
        const states = [
          { rate: 0, mean: 20 },
          { rate: 2, mean: 20 },
        ];
        for (const arrivals of [
          poisson(draw, 0, seconds, 0.5),
          stepwise(draw, seconds, 60, () => 0.5),
          switching(draw, seconds, states),
          renewal(draw, 0, seconds, gammaIntervals(2, 3)),
          renewal(draw, 0, seconds, weibullIntervals(2, 3)),
          renewal(draw, 0, seconds, timer(7)),
        ]) {
          expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
          expect(arrivals.every((at) => at >= 0 && at < seconds)).toBe(true);
        }
      }),
      { seed: 20, numRuns: 30 },
    );
  });
});

describe('popularity', () => {
  test('each is chosen as often as its weight says', () => {
    const draw = new Draw(6);
    const choose = chooser([1, 0, 2, 7]);
    const chosen = [0, 0, 0, 0];
    for (let n = 0; n < 100_000; n++) chosen[choose(draw)]! += 1;
    expect(chosen[1]).toBe(0);
    expect(apart(chosen[0]!, 10_000)).toBeLessThan(0.05);
    expect(apart(chosen[2]!, 20_000)).toBeLessThan(0.05);
    expect(apart(chosen[3]!, 70_000)).toBeLessThan(0.05);
  });

  test('Zipf weights fall with the power of the rank and can be scaled', () => {
    expect(zipf(2, 4, 2)).toEqual([1 / 4, 1 / 9, 1 / 16]);
    expect(scaled([1, 3], 8)).toEqual([2, 6]);
  });

  test('within a fashion two draws are alike as often as was asked, and over many all have their shares', () => {
    const draw = new Draw(7);
    const shares = [0.5, 0.3, 0.2];
    const fashions = Array.from({ length: 20_000 }, () => scaled(fashion(draw, shares, 0.2), 1));
    const same = mean(fashions.map((of) => of.reduce((sum, share) => sum + share ** 2, 0)));
    expect(same).toBeCloseTo(0.2 + 0.8 * (0.25 + 0.09 + 0.04), 2);
    expect(mean(fashions.map(([first]) => first!))).toBeCloseTo(0.5, 2);
  });
});
