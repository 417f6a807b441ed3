import { expect, test } from 'vitest';
import { Popularity } from './popularity.ts';

test('what is asked for more often counts more, and old asks count less', () => {
  const popularity = new Popularity();
  for (let n = 0; n < 1_000; n++) popularity.add(n % 3 === 0 ? 'seldom' : 'often');
  expect(popularity.of('never')).toBe(0);
  expect(popularity.of('often') / popularity.of('seldom')).toBeCloseTo(2, 1);
  for (let n = 0; n < 2_000; n++) popularity.add('seldom');
  expect(popularity.of('seldom') / popularity.of('often')).toBeGreaterThan(50);
});

test('it never runs out of numbers, and forgets what was asked for long ago', () => {
  const popularity = new Popularity();
  popularity.add('once');
  for (let n = 0; n < 500_000; n++) popularity.add(n % 2 === 0 ? 'a' : 'b');
  expect(popularity.of('a') / popularity.of('b')).toBeCloseTo(1, 1);
  expect(Number.isFinite(popularity.of('a'))).toBe(true);
  expect(popularity.of('once')).toBe(0);
});
