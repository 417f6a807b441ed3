import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { perInput } from './per-input.ts';
import { defaultScaling, type ScalingSettings } from './settings.ts';

interface Vectors {
  scenarios: {
    name: string;
    settings: VectorSettings;
    ticks: {
      t: number;
      event: string;
      inputs: { queued: number; running: number; starting: number; idle_for_s: number[] };
      start: number;
      stop: number;
    }[];
  }[];
  need_table: { max_inputs: number; target_inputs: number; buffer: number; in_flight: number; need: number }[];
}

interface VectorSettings {
  min_containers: number;
  max_containers: number | null;
  buffer_containers: number;
  scaledown_window_s: number;
}

const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/per-input.json', import.meta.url), 'utf8')) as Vectors;

const settingsOf = (given: VectorSettings): ScalingSettings => ({
  ...defaultScaling,
  minContainers: given.min_containers,
  maxContainers: given.max_containers,
  bufferContainers: given.buffer_containers,
  scaledownWindowMs: given.scaledown_window_s * 1000,
});

test.each(vectors.scenarios)('starts and stops as recorded: $name', ({ settings, ticks }) => {
  for (const { t, event, inputs, start, stop } of ticks) {
    const idleForMs = inputs.idle_for_s.map((seconds) => Math.round(seconds * 1000)).sort((a, b) => b - a);
    const { queued, running, starting } = inputs;
    const summary = summaryOf({ now: t * 1000, queued, running, starting, busy: running, idleForMs });
    const decision = perInput.decide(summary, settingsOf(settings), null);
    expect({ t, event, start: decision.start, stop: decision.stop }).toEqual({ t, event, start, stop });
  }
});

test('asks to be woken when the next idle container is due, and not for containers that it keeps', () => {
  const summary = summaryOf({ now: 1_000, queued: 0, running: 0, starting: 0, busy: 0, idleForMs: [30_000, 10_000] });
  expect(perInput.decide(summary, defaultScaling, null).wakeAt).toBe(31_000);
  expect(perInput.decide(summary, { ...defaultScaling, minContainers: 2 }, null).wakeAt).toBeNull();
});

test.each(vectors.need_table)('$in_flight in flight, max_inputs $max_inputs, target $target_inputs, buffer $buffer: $need', (row) => {
  const summary = summaryOf({ now: 0, queued: row.in_flight, running: 0, starting: 0, busy: 0, idleForMs: [] });
  const settings = { ...defaultScaling, maxInputs: row.max_inputs, targetInputs: row.target_inputs, bufferContainers: row.buffer };
  expect(perInput.decide(summary, settings, null).desired).toBe(row.need);
});

test('several inputs share a container up to target_inputs', () => {
  const summary = summaryOf({ now: 0, queued: 25, running: 0, starting: 0, busy: 0, idleForMs: [] });
  expect(perInput.decide(summary, { ...defaultScaling, maxInputs: 10, targetInputs: 10 }, null).start).toBe(3);
});
