import { expect, test } from 'vitest';
import { labelPlaces } from './scatter-layout.ts';

const edge = { left: 0, right: 300, top: 0, bottom: 200 };
const crowd = Array.from({ length: 40 }, (_, n) => ({ x: 150 + (n % 4), y: 100 + (n % 3), label: 'per-input' }));

test('a label that finds no room is left out, but never that of the chosen point', () => {
  const places = labelPlaces([...crowd, { x: 150, y: 100, label: 'recommended', chosen: true }], edge);
  expect(places[0]).toEqual({ x: 160, y: 104 });
  expect(places.slice(0, -1)).toContain(null);
  expect(places.at(-1)).toEqual({ x: 165, y: 104 });
  const drawn = places.slice(0, -1).filter((place) => place !== null);
  for (const [n, a] of drawn.entries())
    for (const b of drawn.slice(n + 1)) expect(Math.abs(a.y - b.y) >= 14 || Math.abs(a.x - b.x) >= 9 * 6.3).toBe(true);
});
