import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { kinds, Timeline, type Kind } from './timeline.ts';

const drain = (timeline: Timeline): void => {
  while (timeline.peek()) timeline.step();
};

test('events come by time, then by kind, then in the order of being set; cancelled ones not at all', () => {
  const event = fc.record({ at: fc.nat(20), kind: fc.constantFrom(...Object.values(kinds)), cancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const timeline = new Timeline();
      const seen: { at: number; kind: Kind; order: number }[] = [];
      const timers = events.map(({ at, kind }, order) => timeline.set(at, kind, () => seen.push({ at: timeline.now(), kind, order })));
      events.forEach(({ cancelled }, order) => cancelled && timers[order]!.cancel());
      drain(timeline);
      const expected = events
        .map(({ at, kind, cancelled }, order) => ({ at, kind, order, cancelled }))
        .filter(({ cancelled }) => !cancelled)
        .toSorted((a, b) => a.at - b.at || a.kind - b.kind || a.order - b.order)
        .map(({ at, kind, order }) => ({ at, kind, order }));
      expect(seen).toEqual(expected);
      expect(timeline.events).toBe(expected.length);
    }),
  );
});

test('what is set for the past happens now, and time does not go back', () => {
  const timeline = new Timeline();
  const seen: number[] = [];
  timeline.at(5, () => timeline.at(1, () => seen.push(timeline.now())));
  drain(timeline);
  timeline.skipTo(3);
  expect([seen, timeline.now()]).toEqual([[5], 5]);
  timeline.skipTo(9);
  expect(timeline.now()).toBe(9);
});
