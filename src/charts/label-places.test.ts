import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelPlaces, type LabelPlaces, type Labelled } from './label-places.ts';
import { widthOf } from './svg.ts';

const edge = { left: 30, right: 330, top: 20, bottom: 380 };
const names = ['per-input', 'flash', 'concurrency', 'hpa', 'keda', 'ongoing', 'request-count', 'queue-delay'];

/** Baseline, width: of each label that has a place. */
const textsOf = ({ labels }: LabelPlaces, points: readonly Labelled[]) =>
  labels.flatMap((place, index) => {
    const { label, chosen } = points[index] as Labelled;
    return place ? [{ ...place, label, width: widthOf(label) * (chosen ? 1.12 : 1) }] : [];
  });

test('a label stands beside its point where it can', () => {
  const points = [
    { x: 100, y: 100, label: 'hpa' },
    { x: 320, y: 100, label: 'keda' },
    { x: 200, y: 200, label: '' },
  ];
  expect(labelPlaces(points, edge)).toEqual({
    labels: [{ x: 110, y: 104, leader: null }, { x: 320 - 10 - widthOf('keda'), y: 104, leader: null }, null],
    limit: null,
  });
});

test('of two points close together the upper one is named above the lower one, in whichever order they come', () => {
  const both = [
    { x: 60, y: 110, label: 'the lower one of both' },
    { x: 60, y: 100, label: 'the upper one of both' },
  ];
  // The target leaves room above and below them only.
  const drawn = { limit: { x: 90, label: '' } };
  const [low, up] = labelPlaces(both, { ...edge, left: 0 }, drawn).labels;
  const [upAgain, lowAgain] = labelPlaces(both.toReversed(), { ...edge, left: 0 }, drawn).labels;
  expect([up!.y < 100, low!.y > 110]).toEqual([true, true]);
  expect([upAgain, lowAgain]).toEqual([up, low]);
});

test('off a curve if there is another place', () => {
  const [point] = [{ x: 100, y: 100, label: 'hpa' }];
  const falling = [
    { x: 40, y: 90 },
    { x: 100, y: 100 },
    { x: 300, y: 105 },
  ];
  expect(labelPlaces([point], edge, { curves: [falling] }).labels).not.toEqual(labelPlaces([point], edge).labels);
});

test('names that find no room beside their points stand apart, with a line to them', () => {
  const points = names.map((label, n) => ({ x: 300 + (n % 3), y: 350 + (n % 2), label }));
  const { labels } = labelPlaces(points, edge, { limit: { x: 280, label: 'target: p95 30 s' } });
  expect(labels).not.toContain(null);
  const apart = labels.filter((place) => place?.leader);
  expect(apart.length).toBeGreaterThan(2);
  for (const [index, place] of labels.entries()) {
    if (!place?.leader) continue;
    const [from] = place.leader;
    expect(Math.hypot(from.x - (points[index]?.x ?? 0), from.y - (points[index]?.y ?? 0))).toBeCloseTo(7);
  }
});

test('on a phone every name is there, and covers neither another one nor the target', () => {
  const point = fc.record({ x: fc.integer({ min: 40, max: 320 }), y: fc.integer({ min: 40, max: 370 }) });
  const around = fc.tuple(point, fc.array(fc.record({ x: fc.nat(25), y: fc.nat(25) }), { minLength: 9, maxLength: 9 }));
  const crowded = around.map(([at, all]) => all.map(({ x, y }) => ({ x: Math.min(320, at.x + x), y: Math.min(370, at.y + y) })));
  const spread = fc.array(point, { minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(fc.oneof(crowded, spread), fc.array(point, { maxLength: 12 }), fc.integer({ min: 100, max: 325 }), (all, rest, limit) => {
      const named = all.map((one, index) => ({ ...one, label: names[index - 1] ?? 'Recommended', chosen: index === 0 }));
      const points = [...named, ...rest.map((one) => ({ ...one, label: '' }))];
      const line = { x: limit, label: 'target: p95 30 s' };
      const put = labelPlaces(points, edge, { limit: line });
      expect(put.labels.slice(0, named.length)).not.toContain(null);
      const texts = textsOf(put, points);
      const target = { ...(put.limit as { x: number; y: number }), width: widthOf(line.label), label: line.label };
      for (const [index, one] of [...texts, target].entries()) {
        for (const other of [...texts, target].slice(index + 1))
          expect(Math.abs(one.y - other.y) >= 14 || one.x >= other.x + other.width || other.x >= one.x + one.width).toBe(true);
      }
      for (const { x, width, label } of texts.filter((one) => one.label !== 'Recommended'))
        expect([label, x < limit && limit < x + width]).toEqual([label, false]);
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('what nobody has room for is left out, but never the name of the chosen point', () => {
  const crowd = Array.from({ length: 40 }, (_, n) => ({ x: 30 + (n % 4), y: 10 + (n % 3), label: 'per-input' }));
  const { labels } = labelPlaces([...crowd, { x: 30, y: 10, label: 'recommended', chosen: true }], {
    left: 0,
    right: 100,
    top: 0,
    bottom: 40,
  });
  expect(labels).toContain(null);
  expect(labels.at(-1)).toEqual({ x: 45, y: 14, leader: null });
});
