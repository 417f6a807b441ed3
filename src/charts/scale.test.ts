import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { clockText, linear, logarithmic, multiples, stepOf, timeStep } from './scale.ts';

test('steps are 1, 2 or 5 times a power of ten, the least that is not too many', () => {
  expect([stepOf(10, 5), stepOf(11, 5), stepOf(0.2, 4), stepOf(94, 4), stepOf(6, 3), stepOf(0, 4)]).toEqual([2, 5, 0.05, 50, 2, 1]);
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), fc.integer({ min: 1, max: 12 }), (span, most) => {
      const step = stepOf(span, most);
      expect(span / step).toBeLessThanOrEqual(most * (1 + 1e-9));
      expect([1, 2, 5]).toContain(Number((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toPrecision(6)));
    }),
    { seed: 5 },
  );
});

test('an axis begins at 0 and ends at or above the highest value', () => {
  const { ticks, at } = linear(94, [200, 0], 4);
  expect(ticks).toEqual([0, 50, 100]);
  expect([at(0), at(50), at(100)]).toEqual([200, 100, 0]);
  expect(linear(0, [200, 0], 4).ticks.at(-1)).toBe(1);
  expect(multiples(0, 0.3, 0.1)).toEqual([0, 0.1, 0.2, 0.3]);
});

test('on a logarithmic axis equal ratios are equal lengths, and ticks keep their distance', () => {
  const { at, ticks } = logarithmic(4, 40, [0, 600], 40);
  expect(at(8) - at(4)).toBeCloseTo(at(40) - at(20), 6);
  expect(ticks[0]).toBe(4);
  ticks.forEach((tick, index) => index > 0 && expect(at(tick) - at(ticks[index - 1]!)).toBeGreaterThanOrEqual(40));
});

test('time is told as on a clock', () => {
  expect([timeStep(720, 8), timeStep(840, 5), timeStep(86_400, 8), timeStep(30 * 86_400, 8)]).toEqual([120, 300, 14_400, 345_600]);
  expect([clockText(0), clockText(95), clockText(600), clockText(3_725)]).toEqual(['0:00', '1:35', '10:00', '1:02:05']);
});
