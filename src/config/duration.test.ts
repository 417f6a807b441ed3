import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationPattern, formatDuration, parseDuration } from './duration.ts';

test.each([
  ['500ms', 500],
  ['60s', 60_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['1.5s', 1_500],
  ['1m500ms', 60_500],
  [' 2h ', 7_200_000],
  ['90', 90_000],
  [90, 90_000],
  [0.25, 250],
  [0, 0],
])('%s is %d ms', (written, ms) => {
  expect(parseDuration(written)).toBe(ms);
});

test.each(['', 'soon', '-5s', '5 m', '30m1h', '1h1h', '5min', 's', '1e3s', -1, Number.NaN, Number.POSITIVE_INFINITY])(
  '%s is no duration',
  (written) => {
    expect(parseDuration(written)).toBeNull();
  },
);

test.each([
  [0, '0s'],
  [1, '1ms'],
  [60_000, '60s'],
  [90_000, '90s'],
  [120_000, '2m'],
  [5_400_000, '1h30m'],
  [604_800_000, '7d'],
  [61_001, '1m1s1ms'],
])('%d ms is written %s', (ms, written) => {
  expect(formatDuration(ms)).toBe(written);
});

test('every whole number of milliseconds comes back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000_000 }), (ms) => {
      const written = formatDuration(ms);
      expect(written).toMatch(durationPattern);
      expect(parseDuration(written)).toBe(ms);
    }),
  );
});
