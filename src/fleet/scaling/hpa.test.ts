import { expect, test } from 'vitest';
import { Driver } from '../../../test/support/policy-driver.ts';

const s = 1000;

test('it begins with one container, or the minimum, and keeps it with nothing in flight', () => {
  for (const [minContainers, containers] of [
    [0, 1],
    [3, 3],
  ] as const) {
    const driver = new Driver('hpa', { minContainers });
    driver.happens(7 * s);
    expect(driver.alive).toBe(containers);
    driver.runUntil(1_000 * s);
    expect(driver.alive).toBe(containers);
  }
});

test('what is in flight is seen at whole multiples of 15 s, and doubles at most', () => {
  const driver = new Driver('hpa');
  driver.happens(7 * s);
  driver.happens(16 * s, { queued: 9 });
  expect(driver.alive).toBe(1);
  driver.runUntil(29_999);
  expect(driver.alive).toBe(1);
  driver.runUntil(60 * s);
  expect(driver.changes).toEqual([
    [7 * s, 1],
    [30 * s, 4],
    [45 * s, 8],
    [60 * s, 9],
  ]);
});

test('an arrival in the very instant of a reconcile is part of it', () => {
  const driver = new Driver('hpa');
  driver.happens(0);
  driver.runUntil(29_999);
  driver.happens(30 * s, { queued: 3 });
  driver.runUntil(30 * s);
  expect(driver.alive).toBe(3);
});

test('fewer only after the window: a wish exactly 300 s old still holds', () => {
  const driver = new Driver('hpa');
  driver.happens(0, { queued: 4 });
  driver.runUntil(16 * s);
  expect(driver.alive).toBe(4);
  driver.happens(17 * s, { queued: 0 });
  driver.runUntil(315 * s);
  expect(driver.alive).toBe(4);
  driver.runUntil(330 * s);
  expect(driver.changes.at(-1)).toEqual([330 * s, 1]);
});

test('the window is that of the settings, and so are target and tolerance', () => {
  const driver = new Driver('hpa', { policySettings: { downscale_window: 30 * s, target_in_flight: 2, tolerance: 0.5 } });
  driver.happens(0, { queued: 8 });
  driver.runUntil(15 * s);
  expect(driver.alive).toBe(4);
  driver.happens(16 * s, { queued: 12 });
  driver.runUntil(30 * s);
  expect(driver.alive).toBe(4);
  driver.happens(31 * s, { queued: 0 });
  driver.runUntil(60 * s);
  expect(driver.alive).toBe(4);
  driver.runUntil(75 * s);
  expect(driver.changes.at(-1)).toEqual([75 * s, 1]);
});

test('busy ones stay, and what is too many goes at a later reconcile, not between two', () => {
  const driver = new Driver('hpa', { policySettings: { downscale_window: 0 } });
  driver.happens(0, { queued: 4 });
  driver.runUntil(15 * s);
  driver.happens(16 * s, { queued: 0, running: 4, busy: 4 });
  driver.happens(29 * s, { running: 1, busy: 4 });
  driver.runUntil(30 * s);
  expect(driver.alive).toBe(4);
  driver.happens(31 * s, { busy: 1 });
  expect(driver.alive).toBe(4);
  driver.runUntil(45 * s);
  expect(driver.alive).toBe(1);
});

test('a container that was lost is replaced at once: the target stands between reconciles', () => {
  const driver = new Driver('hpa', { minContainers: 2 });
  driver.happens(0);
  driver.loses(4 * s);
  expect(driver.changes).toEqual([
    [0, 2],
    [4 * s, 2],
  ]);
});

test('a reconcile that comes late counts as that of its multiple, and the next one is not moved', () => {
  const driver = new Driver('hpa');
  driver.happens(0, { queued: 4 });
  driver.runUntil(16 * s);
  driver.happens(17 * s, { queued: 0 });
  driver.lateMs = 7;
  driver.runUntil(1_000 * s);
  expect(driver.changes).toEqual([
    [0, 1],
    [15 * s, 4],
    [330_007, 1],
  ]);
});

test('a time that it did not ask for is no reconcile', () => {
  const driver = new Driver('hpa');
  driver.happens(0, { queued: 4 });
  driver.pauseEnds(8 * s);
  expect(driver).toMatchObject({ alive: 1, wakeAt: 15 * s });
});

test('within max_containers, and up again from a maximum of 0', () => {
  const driver = new Driver('hpa', { maxContainers: 3 });
  driver.happens(0, { queued: 10 });
  driver.runUntil(60 * s);
  expect(driver.alive).toBe(3);
  driver.set({ maxContainers: 0 });
  driver.runUntil(90 * s);
  expect(driver.alive).toBe(0);
  driver.set({ maxContainers: 8 });
  driver.runUntil(120 * s);
  expect(driver.alive).toBe(8);
});

test('containers that are there at the first decision are judged by the reconciles to come', () => {
  const driver = new Driver('hpa');
  driver.happens(0, { idle: 5 });
  driver.runUntil(300 * s);
  expect(driver.alive).toBe(5);
  driver.runUntil(330 * s);
  expect(driver.alive).toBe(1);
});

test('the reason tells what the metric asked for, and what stood against it', () => {
  const driver = new Driver('hpa');
  driver.happens(0, { queued: 9 });
  expect(driver.reason).toBe('min_containers 1');
  driver.runUntil(15 * s);
  expect(driver.reason).toBe('9 in flight want 9');
  driver.happens(16 * s, { queued: 2 });
  expect(driver.reason).toBe('enough');
  driver.runUntil(30 * s);
  expect(driver.reason).toBe('2 in flight, and 8 kept for the window');
  driver.set({ maxContainers: 3 });
  driver.runUntil(45 * s);
  expect(driver.reason).toBe('over max_containers');
  driver.happens(46 * s, { queued: 0 });
  driver.runUntil(600 * s);
  expect(driver.reason).toBe('min_containers 1');
});
