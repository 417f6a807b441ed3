import fc from 'fast-check';
import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { applyLimits, type Bounds } from './limits.ts';
import { perInput } from './per-input.ts';
import type { FleetSummary } from './policy.ts';
import { defaultScaling, type ScalingSettings } from './settings.ts';

const roomy: Bounds = { freeSlots: 100, gpuSharesLeft: null, share: 1, affordable: null, backoffUntil: 0 };

function limited(summary: Partial<FleetSummary>, settings: Partial<ScalingSettings> = {}, bounds: Partial<Bounds> = {}) {
  const all = summaryOf(summary);
  const set = { ...defaultScaling, ...settings };
  return applyLimits(perInput.decide(all, set, null), all, set, { ...roomy, ...bounds });
}

test('ten in flight start ten, and nothing holds them', () => {
  expect(limited({ queued: 10 })).toMatchObject({ start: 10, stop: 0, drain: 0, target: 10, heldBy: null });
});

test.each([
  ['max_containers', { maxContainers: 4 }, {}, 4],
  ['budget', {}, { affordable: { start: 5, keep: null } }, 5],
  ['gpu_limit', {}, { gpuSharesLeft: 3 }, 3],
  ['capacity', {}, { freeSlots: 2 }, 2],
  ['start_failures', {}, { backoffUntil: 1 }, 0],
] as const)('%s holds the start back and is named', (heldBy, settings, bounds, start) => {
  expect(limited({ queued: 10 }, settings, bounds)).toMatchObject({ start, heldBy });
});

test('a spent budget gives up starts first, then idle containers, then busy ones', () => {
  const state = { starting: 1, busy: 3, running: 3, idleForMs: [5_000] };
  expect(limited(state, {}, { affordable: { start: 2, keep: 2 } })).toMatchObject({ cancel: 1, stop: 1, drain: 1, target: 2 });
  expect(limited(state, {}, { affordable: { start: 2, keep: null } })).toMatchObject({ cancel: 0, stop: 0, drain: 0 });
});

test('what a budget allows is looked at again, since it changes with time alone', () => {
  expect(limited({ now: 100, busy: 1, running: 1 }, {}, { affordable: { start: 1, keep: null } }).wakeAt).toBe(1_100);
  expect(limited({ now: 100 }, {}, { affordable: { start: 1, keep: null } }).wakeAt).toBeNull();
});

test('a budget that allows none is named while jobs wait, also where the policy wishes for none', () => {
  const none = { start: 0, stop: 0, cancel: 0, desired: 0, wakeAt: null, reason: 'enough', memory: null };
  const at = (summary: Partial<FleetSummary>, start: number) =>
    applyLimits(none, summaryOf(summary), defaultScaling, { ...roomy, affordable: { start, keep: null } });
  expect(at({ now: 100, queued: 1 }, 0)).toMatchObject({ heldBy: 'budget', wakeAt: 1_100 });
  expect(at({ queued: 1 }, 1).heldBy).toBeNull();
  expect(at({ queued: 0 }, 0).heldBy).toBeNull();
  expect(at({ queued: 1, busy: 1, running: 1 }, 1).heldBy).toBeNull();
});

test('shares of a GPU are counted, not containers', () => {
  expect(limited({ queued: 10 }, {}, { gpuSharesLeft: 1, share: 0.25 }).start).toBe(4);
});

test('a GPU limit does not hold containers that have no GPU', () => {
  expect(limited({ queued: 10 }, {}, { gpuSharesLeft: 0, share: 0 }).start).toBe(10);
});

test('lowering max_containers gives up starts first, then stops idle ones, then drains the rest', () => {
  const decision = limited({ running: 5, busy: 5, idleForMs: [10, 5], starting: 1 }, { maxContainers: 3 });
  expect(decision).toMatchObject({ start: 0, cancel: 1, stop: 2, drain: 2, target: 3 });
});

test('during the pause after a failed start it asks to be woken at its end', () => {
  expect(limited({ queued: 1 }, {}, { backoffUntil: 700 }).wakeAt).toBe(700);
});

test('never above any limit, never below zero, never more stopped than there are', () => {
  const n = fc.nat(30);
  const property = fc.property(
    fc.record({ queued: n, running: n, starting: n, busy: n, idle: fc.array(fc.nat(200_000), { maxLength: 20 }) }),
    fc.record({ min: fc.nat(5), max: fc.option(fc.integer({ min: 5, max: 40 })), buffer: fc.nat(5) }),
    fc.record({ freeSlots: n, gpuSharesLeft: fc.option(n), backoffUntil: fc.nat(2) }),
    (state, limits, bounds) => {
      const summary = summaryOf({ ...state, now: 1, idleForMs: state.idle.toSorted((a, b) => b - a) });
      const settings = { ...defaultScaling, minContainers: limits.min, maxContainers: limits.max, bufferContainers: limits.buffer };
      const result = applyLimits(perInput.decide(summary, settings, null), summary, settings, { ...bounds, share: 1, affordable: null });
      const alive = state.starting + state.busy + state.idle.length;
      expect(result.start).toBeGreaterThanOrEqual(0);
      expect(result.start).toBeLessThanOrEqual(bounds.freeSlots);
      expect(result.start).toBeLessThanOrEqual(bounds.gpuSharesLeft ?? Infinity);
      expect(result.stop).toBeLessThanOrEqual(state.idle.length);
      expect(result.drain).toBeLessThanOrEqual(state.starting + state.busy);
      if (result.start > 0) expect(alive + result.start).toBeLessThanOrEqual(limits.max ?? Infinity);
      expect(result.target).toBeLessThanOrEqual(Math.max(limits.max ?? Infinity, 0));
    },
  );
  fc.assert(property, { numRuns: 2_000 });
});
