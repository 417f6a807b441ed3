import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Counts } from '../fleet/pool.ts';
import { Recorder } from './recorder.ts';

const counts = (queued: number): Counts => ({ queued, running: 0, starting: 0, busy: 1, idle: 0 });

test('each period has the mean over its time and the most of any moment, even one that did not last', () => {
  const recorder = new Recorder(10);
  recorder.note(0, counts(2));
  recorder.note(50, counts(9));
  recorder.note(50, counts(4));
  recorder.note(120, counts(0));
  const { periodMs, periods } = recorder.end(200);
  expect(periodMs).toBe(100);
  expect(periods.map(({ queued }) => queued)).toEqual([
    { mean: 3, max: 9 },
    { mean: 0.8, max: 4 },
  ]);
  expect(periods.map(({ busy }) => busy.mean)).toEqual([1, 1]);
});

test('however long a run is, there are few periods, and nothing is lost', () => {
  const changes = fc.array(fc.tuple(fc.nat(5_000), fc.nat(50)), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(changes, fc.constantFrom(2, 4, 16), (list, limit) => {
      const recorder = new Recorder(limit);
      let [now, before, sum, most] = [0, 0, 0, 0];
      for (const [wait, queued] of list) {
        sum += before * wait;
        now += wait;
        before = queued;
        most = Math.max(most, queued);
        recorder.note(now, counts(queued));
      }
      const end = now + 100;
      const { periods, periodMs } = recorder.end(end);
      expect(periods.length).toBeLessThanOrEqual(limit);
      expect(periods.length).toBe(Math.ceil(end / periodMs));
      const total = periods.reduce((all, { queued }, n) => all + queued.mean * Math.min(periodMs, end - n * periodMs), 0);
      expect(total).toBeCloseTo(sum + before * 100, 3);
      expect(Math.max(...periods.map(({ queued }) => queued.max))).toBe(most);
    }),
  );
});
