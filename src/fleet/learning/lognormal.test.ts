import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draw } from '../../planning/random.ts';
import { elapsedWhen, lognormal, quantile, remaining, variation } from './lognormal.ts';

const times = fc.record({
  mu: fc.double({ min: -2, max: 6, noNaN: true }),
  sigma: fc.double({ min: 0.05, max: 1.5, noNaN: true }),
});

test('mean, quantiles and variation are those of what is drawn', () => {
  const draw = new Draw(7);
  const all = Array.from({ length: 200_000 }, () => draw.lognormal(4, 0.6)).sort((a, b) => a - b);
  const time = lognormal(Math.log(4) - Math.log(1.36) / 2, Math.sqrt(Math.log(1.36)));
  expect(time.mean).toBeCloseTo(4, 9);
  expect(variation(time)).toBeCloseTo(0.6, 9);
  expect(quantile(time, 0) / all[100_000]!).toBeCloseTo(1, 2);
  // 97.5 % lie below the mean of the logarithm and 1.96 deviations.
  expect(quantile(time, 1.96) / all[195_000]!).toBeCloseTo(1, 1);
});

/** E[X - e | X > e] by Simpson's rule over the normal variable behind X, from the point where X is e on. */
function integrated({ mu, sigma }: { mu: number; sigma: number }, elapsed: number): number {
  const [from, pieces, width] = [(Math.log(elapsed) - mu) / sigma, 4_000, 12];
  let [above, weight] = [0, 0];
  for (let n = 0; n <= pieces; n++) {
    const z = from + (width * n) / pieces;
    const share = (n === 0 || n === pieces ? 1 : n % 2 === 1 ? 4 : 2) * Math.exp((from * from - z * z) / 2);
    above += share * (Math.exp(mu + sigma * z) - elapsed);
    weight += share;
  }
  return above / weight;
}

describe('what is left', () => {
  test('is what numeric integration gives, up to three deviations', () => {
    const within = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(times, within, ({ mu, sigma }, deviations) => {
        const time = lognormal(mu, sigma);
        const elapsed = quantile(time, deviations);
        const ratio = remaining(time, elapsed) / integrated(time, elapsed);
        expect(ratio).toBeGreaterThan(0.98);
        expect(ratio).toBeLessThan(1.02);
      }),
      { numRuns: 300 },
    );
  });

  test('is the mean at the beginning, and a tenth of what has passed where nothing like it is known', () => {
    const time = lognormal(1, 0.3);
    expect([remaining(time, 0), remaining(time, -5)]).toEqual([time.mean, time.mean]);
    expect(remaining(time, 1e6)).toBe(1e5);
  });

  test('is never negative and never without a value, even for times that do not vary', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.double({ min: -5, max: 9, noNaN: true }),
        (sigma, elapsed, mu) => {
          const left = remaining(lognormal(mu, sigma), elapsed);
          expect(Number.isFinite(left) && left >= 0).toBe(true);
        },
      ),
    );
    const fixed = lognormal(Math.log(10), 0);
    expect(remaining(fixed, 4)).toBeCloseTo(6, 6);
  });
});

describe('the time at which so much is left', () => {
  test('is the inverse of what is left', () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0.01, max: 0.99, noNaN: true }), ({ mu, sigma }, share) => {
        const time = lognormal(mu, sigma);
        const least = remaining(time, quantile(time, 2));
        // Where times vary so much that two deviations on more is left than at the beginning there is no such time.
        fc.pre(least < time.mean);
        const left = least + share * (time.mean - least);
        const elapsed = elapsedWhen(time, left)!;
        const step = quantile(time, 2) / 2 ** 19;
        expect(remaining(time, elapsed)).toBeLessThanOrEqual(left * (1 + 1e-12));
        if (elapsed > step) expect(remaining(time, elapsed - step)).toBeGreaterThan(left);
      }),
      { numRuns: 500 },
    );
  });

  test('is the beginning where no more is left even then, and none where so little is never left', () => {
    const time = lognormal(1, 0.5);
    expect(elapsedWhen(time, time.mean)).toBe(0);
    expect(elapsedWhen(time, 0.01)).toBeNull();
    expect(elapsedWhen(lognormal(Math.log(10), 0), 4)).toBeCloseTo(6, 3);
  });
});
