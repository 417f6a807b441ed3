import { expect, test } from 'vitest';
import { Driver } from '../../../test/support/policy-driver.ts';

const s = 1000;

test('nothing runs and nothing comes: it does not ask to be woken', () => {
  const driver = new Driver('keda');
  driver.happens(0);
  expect(driver).toMatchObject({ alive: 0, wakeAt: null });
});

test('a job that comes while nothing runs is seen at the next poll only, and the HPA goes on in the same instant', () => {
  const driver = new Driver('keda');
  driver.happens(0);
  driver.happens(100 * s, { queued: 9 });
  driver.runUntil(165 * s);
  expect(driver.changes).toEqual([
    [120 * s, 4],
    [135 * s, 8],
    [150 * s, 9],
  ]);
});

test('an arrival in the very instant of a poll is seen by it', () => {
  const driver = new Driver('keda');
  driver.happens(0);
  driver.happens(120 * s, { queued: 1 });
  expect(driver.alive).toBe(0);
  driver.runUntil(120 * s);
  expect(driver.alive).toBe(1);
});

test('what came and went between two polls leaves no trace', () => {
  const driver = new Driver('keda');
  driver.happens(95 * s, { queued: 2 });
  driver.happens(115 * s, { queued: 0 });
  driver.runUntil(600 * s);
  expect(driver).toMatchObject({ alive: 0, changes: [], wakeAt: null });
});

test('zero at the first poll that is strictly more than the cooldown after the last active one, then no wake', () => {
  const driver = new Driver('keda');
  driver.happens(100 * s, { queued: 1 });
  driver.happens(151 * s, { queued: 0 });
  driver.runUntil(450 * s);
  expect(driver.alive).toBe(1);
  driver.runUntil(479_999);
  expect(driver.alive).toBe(1);
  driver.runUntil(480 * s);
  expect(driver).toMatchObject({ alive: 0, reason: 'idle for longer than the cooldown' });
  driver.runUntil(600 * s);
  expect(driver.wakeAt).toBeNull();
});

test('a short cooldown takes all at once, before the window of the HPA ends', () => {
  const driver = new Driver('keda', { policySettings: { cooldown: 60 * s } });
  driver.happens(20 * s, { queued: 8 });
  driver.happens(61 * s, { queued: 0 });
  driver.runUntil(600 * s);
  expect(driver.changes).toEqual([
    [30 * s, 4],
    [45 * s, 8],
    [150 * s, 0],
  ]);
});

test('busy ones stay after the cooldown, as when nobody sees the activity, and go at a later tick', () => {
  const driver = new Driver('keda', { policySettings: { cooldown: 0, activation_threshold: 1 } });
  driver.happens(0, { queued: 2 });
  driver.happens(31 * s, { queued: 0, running: 1, busy: 1 });
  driver.runUntil(89 * s);
  expect(driver.alive).toBe(1);
  driver.happens(91 * s, { running: 0, busy: 0 });
  driver.pauseEnds(92 * s);
  expect(driver.alive).toBe(1);
  driver.runUntil(105 * s);
  expect(driver.changes.at(-1)).toEqual([105 * s, 0]);
});

test('the activation threshold must be exceeded to wake it, and does not scale', () => {
  const driver = new Driver('keda', { policySettings: { activation_threshold: 5 } });
  driver.happens(20 * s, { queued: 5 });
  driver.runUntil(100 * s);
  expect(driver.alive).toBe(0);
  driver.happens(101 * s, { queued: 6 });
  driver.runUntil(135 * s);
  expect(driver.changes).toEqual([
    [120 * s, 4],
    [135 * s, 6],
  ]);
});

test('polls and reconciles have their own periods, which need not fit', () => {
  const driver = new Driver('keda', { policySettings: { polling_interval: 20 * s } });
  driver.happens(21 * s, { queued: 3 });
  driver.runUntil(60 * s);
  expect(driver.changes).toEqual([
    [40 * s, 1],
    [45 * s, 3],
  ]);
});

test('a minimum is kept always, also when it is raised while nothing runs', () => {
  const driver = new Driver('keda');
  driver.happens(10 * s);
  driver.set({ minContainers: 2 });
  driver.runUntil(2_000 * s);
  expect(driver.changes).toEqual([[30 * s, 2]]);
});

test('within max_containers', () => {
  const driver = new Driver('keda', { maxContainers: 2 });
  driver.happens(10 * s, { queued: 9 });
  driver.runUntil(60 * s);
  expect(driver.alive).toBe(2);
  driver.set({ maxContainers: 0 });
  driver.runUntil(120 * s);
  expect(driver.alive).toBe(0);
});

test('containers that are there at the first decision go at the first poll that sees nothing', () => {
  const driver = new Driver('keda');
  driver.happens(1 * s, { idle: 3 });
  driver.runUntil(29 * s);
  expect(driver.alive).toBe(3);
  driver.runUntil(30 * s);
  expect(driver.alive).toBe(0);
});

test('a tick that comes late counts as that of its multiple', () => {
  const driver = new Driver('keda');
  driver.happens(100 * s, { queued: 1 });
  driver.happens(151 * s, { queued: 0 });
  driver.lateMs = 7;
  driver.runUntil(2_000 * s);
  expect(driver.changes).toEqual([
    [120 * s, 1],
    [480_007, 0],
  ]);
});

test('a time that it did not ask for is no poll', () => {
  const driver = new Driver('keda');
  driver.happens(40 * s, { queued: 1 });
  driver.pauseEnds(42 * s);
  expect(driver).toMatchObject({ alive: 0, wakeAt: 45 * s });
});

test('there is no poll at the beginning of time', () => {
  const driver = new Driver('keda');
  driver.happens(0, { queued: 1 });
  driver.runUntil(100 * s);
  expect(driver.changes).toEqual([[30 * s, 1]]);
});

test('a maximum of 0 holds between two reconciles, too', () => {
  const driver = new Driver('keda', { maxContainers: 0, policySettings: { polling_interval: 20 * s } });
  driver.happens(1 * s, { queued: 1 });
  driver.runUntil(100 * s);
  expect(driver.changes).toEqual([]);
});
