import fc from 'fast-check';
import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { concurrency } from './concurrency.ts';
import type { Decision, FleetSummary } from './policy.ts';
import { defaultScaling, type ScalingSettings } from './settings.ts';

/** A deployment of instant starts that follows the policy, with so much in flight as it is told. */
class Follower {
  #settings: ScalingSettings;
  #memory: Decision['memory'] = null;
  #inFlight = 0;
  #inFlightMs = 0;
  #now = 0;
  #wakeAt: number | null = null;
  alive = 0;
  last: Decision | null = null;

  constructor(settings: Partial<ScalingSettings> = {}) {
    this.#settings = { ...defaultScaling, policy: 'concurrency', ...settings };
  }

  get wakeAt(): number | null {
    return this.#wakeAt;
  }

  set settings(changed: Partial<ScalingSettings>) {
    this.#settings = { ...this.#settings, ...changed };
  }

  /** Ticks up to this time, then this much is in flight, which the policy is told. */
  at(now: number, inFlight: number): Decision {
    this.until(now - 1);
    this.#pass(now);
    this.#inFlight = inFlight;
    return this.#ask(false);
  }

  /** Lets all ticks up to this time pass. */
  until(now: number): void {
    while (this.#wakeAt !== null && this.#wakeAt <= now) {
      this.#pass(this.#wakeAt);
      this.#ask(true);
    }
    this.#pass(now);
  }

  #pass(now: number): void {
    this.#inFlightMs += this.#inFlight * (now - this.#now);
    this.#now = now;
  }

  #ask(due: boolean): Decision {
    const busy = Math.min(this.#inFlight, this.alive);
    const decision = concurrency.decide(this.#summary(busy, due), this.#settings, this.#memory);
    this.#memory = decision.memory;
    this.#wakeAt = decision.wakeAt;
    this.alive += decision.start - decision.stop - decision.cancel;
    this.last = decision;
    return decision;
  }

  #summary(busy: number, due: boolean): FleetSummary {
    const idleForMs = Array.from({ length: this.alive - busy }, () => 0);
    const counts = { queued: this.#inFlight - busy, running: busy, busy, idleForMs };
    return summaryOf({ now: this.#now, due, inFlightMs: this.#inFlightMs, ...counts });
  }
}

test('from zero one job asks for two at once, since one of them would be used to more than 70 percent', () => {
  const fleet = new Follower();
  expect(fleet.at(0, 0)).toMatchObject({ start: 0, desired: 0, wakeAt: null });
  expect(fleet.at(100_350, 1)).toMatchObject({ start: 2, desired: 2, wakeAt: 101_000 });
});

test('between ticks nothing is done and nothing remembered anew, however much is in flight', () => {
  const fleet = new Follower();
  const first = fleet.at(100_350, 1);
  const second = fleet.at(100_400, 50);
  expect(second).toMatchObject({ start: 0, stop: 0, cancel: 0, desired: 2, wakeAt: 101_000 });
  expect(second.memory).toBe(first.memory);
});

test('a job that comes on the second is followed by the tick of that second, and by that of the next', () => {
  const fleet = new Follower();
  expect(fleet.at(100_000, 1)).toMatchObject({ start: 2, wakeAt: 100_000 });
  fleet.until(100_000);
  expect(fleet.wakeAt).toBe(101_000);
});

test('ten in flight want 15, looked at on even seconds', () => {
  const fleet = new Follower();
  fleet.at(100_000, 10);
  fleet.until(101_999);
  expect(fleet.alive).toBe(2);
  // Of 1 (for the first job), 10 and 10 the mean, divided by 0.7.
  fleet.until(102_000);
  expect(fleet.alive).toBe(10);
  fleet.until(200_000);
  expect(fleet.alive).toBe(15);
});

test('what the first job put in ahead is taken off the next sample', () => {
  const fleet = new Follower();
  fleet.at(100_500, 4);
  fleet.until(102_000);
  // Of 1, 2 - 1 and 4 the mean, divided by 0.7.
  expect(fleet.alive).toBe(3);
});

test('the last container goes a stable window after the last job, and then nobody has to be asked', () => {
  const fleet = new Follower();
  fleet.at(100_350, 1);
  fleet.at(200_000, 0);
  fleet.until(258_000);
  expect(fleet.alive).toBeGreaterThan(0);
  fleet.until(300_000);
  expect(fleet.alive).toBe(0);
  expect(fleet.last).toMatchObject({ desired: 0, wakeAt: null, reason: 'idle for the whole stable window' });
});

test.each([
  [{}, 260_000],
  // Two containers have room for one more, so nothing was in front of them: the grace begins when nothing is wanted.
  [{ target_burst_capacity: 0 }, 290_000],
  [{ target_burst_capacity: 0, scale_to_zero_grace: 10_000 }, 270_000],
  [{ stable_window: 30_000 }, 230_000],
])('with %j the last one goes at %i', (policySettings, at) => {
  const fleet = new Follower({ policySettings });
  fleet.at(100_350, 1);
  fleet.at(200_000, 0);
  fleet.until(at - 1);
  expect(fleet.alive).toBeGreaterThan(0);
  fleet.until(at);
  expect(fleet.alive).toBe(0);
});

test('after a sleep longer than the window the average begins anew', () => {
  const fleet = new Follower();
  fleet.at(100_350, 20);
  fleet.at(200_000, 0);
  fleet.until(900_000);
  expect(fleet.at(900_500, 1)).toMatchObject({ start: 2 });
  fleet.at(901_500, 0);
  fleet.until(930_000);
  expect(fleet.alive).toBe(2);
});

test('seconds asleep count as zeros within the window', () => {
  const settings = { policySettings: { panic_threshold_percentage: 1_000 } };
  const fleet = new Follower(settings);
  fleet.at(100_000, 7);
  fleet.at(130_000, 0);
  fleet.until(190_000);
  expect(fleet.wakeAt).toBeNull();
  expect(fleet.at(200_500, 3)).toMatchObject({ start: 1 });
  fleet.until(202_000);
  // 1 + 0.5 + 3 in a window full of zeros.
  expect(fleet.alive).toBe(1);
});

test('a tick that was missed is made up for by the next event, and loses nothing of the sum', () => {
  const idle = { busy: 1, running: 1, queued: 4 };
  const settings = { ...defaultScaling, policy: 'concurrency' as const };
  const first = concurrency.decide(summaryOf({ now: 100_000, ...idle }), settings, null);
  expect(first.wakeAt).toBe(100_000);
  const late = concurrency.decide(summaryOf({ now: 102_050, inFlightMs: 5 * 2_050, ...idle }), settings, first.memory);
  expect(late).toMatchObject({ desired: 15, wakeAt: 103_000 });
});

test('min_containers stand before the first job, and a changed limit acts at once', () => {
  const fleet = new Follower({ minContainers: 3 });
  expect(fleet.at(0, 0)).toMatchObject({ start: 3, reason: 'min_containers 3' });
  fleet.until(400);
  fleet.settings = { minContainers: 5 };
  expect(fleet.at(500, 0)).toMatchObject({ start: 2 });
  fleet.settings = { minContainers: 0, maxContainers: 2 };
  expect(fleet.at(600, 0)).toMatchObject({ stop: 3, reason: 'over max_containers' });
});

test('without max_containers nothing starts, and each job is not taken for the first one', () => {
  const fleet = new Follower({ maxContainers: 0 });
  const first = fleet.at(100_500, 1);
  expect(first).toMatchObject({ start: 0, desired: 0 });
  expect(fleet.at(100_600, 2).memory).toBe(first.memory);
});

test('containers that are there already stay, as in panic, until a stable window has passed', () => {
  const fleet = new Follower();
  fleet.alive = 4;
  fleet.at(1_000_000, 0);
  fleet.until(1_060_000);
  expect(fleet.alive).toBe(4);
  fleet.until(1_070_000);
  expect(fleet.alive).toBe(0);
});

test('target_inputs share a container', () => {
  const fleet = new Follower({ maxInputs: 10, targetInputs: 10 });
  fleet.at(100_000, 21);
  fleet.until(160_000);
  expect(fleet.alive).toBe(3);
});

test('the same history gives the same bytes, within the limits, whatever comes', () => {
  const steps = fc.array(fc.record({ after: fc.integer({ min: 1, max: 90_000 }), inFlight: fc.nat(30) }), { maxLength: 30 });
  const limits = fc.record({ min: fc.nat(3), max: fc.option(fc.integer({ min: 3, max: 20 })) });
  const property = fc.property(steps, limits, (history, { min, max }) => {
    const run = (): string => {
      const fleet = new Follower({ minContainers: min, maxContainers: max });
      let now = 0;
      return JSON.stringify(
        history.map(({ after, inFlight }) => {
          now += after;
          const decision = fleet.at(now, inFlight);
          expect(decision.desired).toBeGreaterThanOrEqual(min);
          expect(decision.desired).toBeLessThanOrEqual(max ?? Infinity);
          return decision;
        }),
      );
    };
    expect(run()).toBe(run());
  });
  fc.assert(property, { numRuns: 50 });
});
