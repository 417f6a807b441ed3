import { expect, test } from 'vitest';
import { apart, cv, mean } from '../../test/support/arrivals.ts';
import { Draw } from './random.ts';

const drawn = (of: (draw: Draw) => number, seed = 5): number[] => {
  const draw = new Draw(seed);
  return Array.from({ length: 100_000 }, () => of(draw));
};

test.each([0.04, 0.5, 1, 1.7, 30])('Gamma of shape %d: its mean is the shape, its variance too', (shape) => {
  const values = drawn((draw) => draw.gamma(shape));
  expect(apart(mean(values), shape)).toBeLessThan(0.03);
  expect(apart(cv(values), 1 / Math.sqrt(shape))).toBeLessThan(0.03);
  expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(0);
});

test.each([
  [3.5, 0.1],
  [28.9, 0.55],
  [1, 2],
])('lognormal of mean %d and CV %d has them', (middle, variation) => {
  const values = drawn((draw) => draw.lognormal(middle, variation));
  expect(apart(mean(values), middle)).toBeLessThan(0.02);
  expect(apart(cv(values), variation)).toBeLessThan(0.05);
});
