import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quantile, quantileInterval, sortedNumbers } from './statistics.ts';

it('takes the nearest rank', () => {
  const values = sortedNumbers([4, 1, 3, 2]);
  expect([quantile(values, 0.5), quantile(values, 0.95), quantile(values, 0), quantile([], 0.5)]).toEqual([2, 4, 1, null]);
});

it('gives an interval only when the sample can bound it', () => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);
  expect(quantileInterval(upTo(70), 0.95)).toBeNull();
  expect(quantileInterval(upTo(1000), 0.95)).toEqual([937, 964]);
});

it('holds the quantile in its interval', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 80, maxLength: 400 }), (sample) => {
      const values = sortedNumbers(sample);
      const interval = quantileInterval(values, 0.95);
      const middle = quantile(values, 0.95) ?? 0;
      expect(interval).not.toBeNull();
      expect(interval![0]).toBeLessThanOrEqual(middle);
      expect(interval![1]).toBeGreaterThanOrEqual(middle);
    }),
  );
});
