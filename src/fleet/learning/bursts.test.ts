import { describe, expect, test } from 'vitest';
import { Draw } from '../../planning/random.ts';
import { Bursts } from './bursts.ts';

/** Jobs of 3 s that have 6 s, so that a container ends two in time; a start takes 20 s. */
const times = { latencyMs: 6_000, slackMs: 3_000, startMs: 20_000 };
/** Standing containers count if they were wanted so long before a job. */
const ahead = times.startMs - times.slackMs;
const hour = 3_600_000;

const arrive = (bursts: Bursts, now: number, jobs: number): void => {
  for (let n = 0; n < jobs; n++) bursts.arrived(now, times);
};

/** A burst that misses all others' containers, too, so that those after it count in full. */
const firstAt = -200_000;
const afterFirst = (): Bursts => {
  const bursts = new Bursts(firstAt);
  arrive(bursts, firstAt, 100);
  return bursts;
};

/** Counts of missed jobs at 0, over the time since the first burst and the five minutes that are taken for known. */
const counts = (bursts: Bursts): number[] => {
  const span = 3_600 * (1 - Math.exp(firstAt / hour)) + 300;
  return bursts.rates(0).map((rate) => Math.round(span * rate * 1e6) / 1e6);
};

describe('twenty jobs at once', () => {
  test('would have needed ten containers, and each of them the jobs that come beyond those before it', () => {
    const bursts = afterFirst();
    arrive(bursts, 0, 20);
    expect(counts(bursts).slice(0, 11)).toEqual([20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0]);
  });

  test('miss none of the containers that were wanted early enough', () => {
    const bursts = afterFirst();
    bursts.stands(-ahead, 4, 0);
    arrive(bursts, 0, 20);
    expect(counts(bursts).slice(0, 11)).toEqual([0, 0, 0, 0, 12, 10, 8, 6, 4, 2, 0]);
    const late = afterFirst();
    late.stands(1 - ahead, 4, 0);
    arrive(late, 0, 20);
    expect(counts(late)[0]).toBe(20);
  });

  test('of which those count that were wanted then, not before and not since', () => {
    const bursts = afterFirst();
    bursts.stands(-9 * ahead, 9, 0);
    bursts.stands(-2 * ahead, 2, 0);
    bursts.stands(-1, 7, 0);
    arrive(bursts, 0, 20);
    expect(counts(bursts).slice(0, 3)).toEqual([0, 0, 16]);
  });

  test('are fewer by what chance brings at the rate that was known', () => {
    const bursts = afterFirst();
    // 1.5 a second: 9 within the latency, and three deviations of that.
    bursts.stands(-ahead, 5, 1.5);
    arrive(bursts, 0, 20);
    expect(counts(bursts).slice(4, 7)).toEqual([0, 1, 0]);
  });
});

describe('one burst', () => {
  test('says nothing of another, however large', () => {
    const bursts = new Bursts(0);
    arrive(bursts, 0, 300);
    expect(bursts.rates(0)).toHaveLength(150);
    expect(Math.max(...bursts.rates(0))).toBe(0);
  });

  test('is left out of several: that which missed the container most, whenever it came', () => {
    const sizes = (...jobs: number[]): number => {
      const bursts = new Bursts(-30_000 * jobs.length);
      jobs.forEach((count, n) => arrive(bursts, 30_000 * (n - jobs.length), count));
      return bursts.rates(0)[0]!;
    };
    expect(sizes(4, 10, 6) / sizes(6, 4, 10)).toBeCloseTo(1, 1);
    expect(sizes(4, 10, 6)).toBeGreaterThan(sizes(4, 10, 5));
    expect(sizes(4, 10, 6)).toBeCloseTo(sizes(4, 50, 6), 2);
  });

  test('lasts for as long as jobs miss containers with no more than a start between them', () => {
    const bursts = new Bursts(0);
    for (let n = 0; n < 50; n++) arrive(bursts, n * times.startMs, 1);
    expect(Math.max(...bursts.rates(50 * times.startMs))).toBeCloseTo(0, 12);
    arrive(bursts, 51 * times.startMs + 1, 1);
    expect(bursts.rates(51 * times.startMs + 1)[0]).toBeGreaterThan(0);
  });
});

test('jobs count together only within the latency', () => {
  const bursts = new Bursts(0);
  for (let n = 0; n < 50; n++) arrive(bursts, n * times.latencyMs, 1);
  expect(bursts.rates(300_000)).toHaveLength(1);
});

test('a steady stream whose containers stand brings none', () => {
  const [draw, bursts] = [new Draw(11), new Bursts(-60_000)];
  bursts.stands(-60_000, 8, 2);
  for (let at = 0; at < 4 * hour; at += draw.exponential(500)) bursts.arrived(at, times);
  const jobs = bursts.rates(4 * hour);
  // Four of a hundred million counts of a Poisson process lie so far out.
  expect(jobs.slice(8).reduce((sum, rate) => sum + rate, 0)).toBeLessThan(0.001);
  expect(Math.max(...jobs.slice(0, 8))).toBe(0);
});

test('a burst every ten minutes shows as its jobs per second, level by level', () => {
  const bursts = new Bursts(0);
  for (let at = 0; at < 6 * hour; at += hour / 6) arrive(bursts, at, 10);
  // Over the hour that is remembered, before the next burst.
  const rates = bursts.rates(6 * hour);
  for (const [n, jobs] of [10, 8, 6, 4, 2].entries()) expect((rates[n]! * 600) / jobs).toBeCloseTo(1, 0);
  expect(rates).toHaveLength(5);
});

test('what was long ago is forgotten', () => {
  const bursts = new Bursts(0);
  arrive(bursts, 0, 20);
  expect(Math.max(...bursts.rates(5 * hour))).toBeLessThan(1e-4);
  expect(bursts.rates(10 * hour)).toEqual([]);
});

test('it keeps count however many jobs have come', () => {
  const bursts = new Bursts(0);
  for (let at = 0; at < hour; at += 500) arrive(bursts, at, 1);
  bursts.stands(hour, 0, 0);
  arrive(bursts, 2 * hour, 20);
  const fresh = new Bursts(0);
  arrive(fresh, 2 * hour, 20);
  expect(bursts.rates(2 * hour).slice(6)).toEqual(
    fresh
      .rates(2 * hour)
      .slice(6)
      .map((rate) => expect.closeTo(rate, 12)),
  );
});
