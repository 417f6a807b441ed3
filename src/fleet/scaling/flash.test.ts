import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { flash, recommendFlash, type Wish } from './flash.ts';
import { defaultScaling } from './settings.ts';

interface Vectors {
  scenarios: {
    name: string;
    settings: {
      target: number;
      buffer_containers: number | null;
      min_containers: number | null;
      max_containers: number | null;
      up_window_s: number;
      down_window_s: number;
    };
    ticks: {
      t: number;
      inputs: { metric_sum: number; current: number; registered: number; with_metric: number };
      wish: number;
      desired: number;
    }[];
  }[];
}

const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/flash.json', import.meta.url), 'utf8')) as Vectors;

test.each(vectors.scenarios)('decides as recorded: $name', ({ settings, ticks }) => {
  let wishes: readonly Wish[] = [];
  for (const { t, inputs, wish, desired } of ticks) {
    const before = JSON.stringify(wishes);
    const decided = recommendFlash(
      {
        atMs: t * 1000,
        metricSum: inputs.metric_sum,
        current: inputs.current,
        registered: inputs.registered,
        withMetric: inputs.with_metric,
      },
      wishes,
      {
        target: settings.target,
        buffer: settings.buffer_containers ?? 0,
        min: settings.min_containers ?? 0,
        max: settings.max_containers ?? Infinity,
        upWindowMs: settings.up_window_s * 1000,
        downWindowMs: settings.down_window_s * 1000,
      },
    );
    expect(JSON.stringify(wishes), 'its state is never changed in place').toBe(before);
    expect({ t, wish: decided.wish, desired: decided.desired }).toEqual({ t, wish, desired });
    wishes = decided.wishes;
  }
});

test('the vectors are all there', () => {
  expect(vectors.scenarios).toHaveLength(12);
  expect(vectors.scenarios.flatMap(({ ticks }) => ticks)).toHaveLength(382);
});

test('starts one at once, and looks at the load each 15 s only', () => {
  const first = flash.decide(summaryOf({ now: 7_000 }), defaultScaling, null);
  expect(first).toMatchObject({ start: 1, stop: 0, wakeAt: 15_000 });
  const between = flash.decide(summaryOf({ now: 12_000, queued: 9, starting: 1 }), defaultScaling, first.memory);
  expect(between).toMatchObject({ start: 0, stop: 0, wakeAt: 15_000, memory: first.memory });
  const just = flash.decide(summaryOf({ now: 15_000, queued: 8, running: 1, busy: 1 }), defaultScaling, between.memory);
  expect(just, 'what else happens at that moment comes first').toMatchObject({ start: 0, wakeAt: 15_000 });
  const due = flash.decide(summaryOf({ now: 15_000, due: true, queued: 8, running: 1, busy: 1 }), defaultScaling, just.memory);
  expect(due).toMatchObject({ start: 8, desired: 9, wakeAt: 30_000 });
});

test('idle containers go after the down window, but one; those found at the start get the same window', () => {
  let memory = flash.decide(summaryOf({ now: 0, idleForMs: [9_000, 8_000, 7_000] }), defaultScaling, null).memory;
  const stops = Array.from({ length: 25 }, (_, n) => {
    const summary = summaryOf({ now: (n + 1) * 15_000 + 3, due: true, idleForMs: [9_000, 8_000, 7_000] });
    const decision = flash.decide(summary, defaultScaling, memory);
    memory = decision.memory;
    return decision.stop;
  });
  expect(stops.indexOf(2)).toBe(20);
  expect(new Set(stops.slice(0, 20))).toEqual(new Set([0]));
});

test('a higher wish of the down window keeps what there is and adds none', () => {
  const settings = { target: 1, buffer: 0, min: 0, max: Infinity, upWindowMs: 60_000, downWindowMs: 300_000 };
  const load = (metricSum: number) => ({ metricSum, current: 4, registered: 4, withMetric: 4 });
  const more = recommendFlash({ atMs: 15_000, ...load(8) }, [[0, 4]], settings);
  expect(more).toMatchObject({ wish: 8, desired: 4 });
  expect(recommendFlash({ atMs: 30_000, ...load(2) }, more.wishes, settings)).toMatchObject({ wish: 2, desired: 4 });
});
