import { describe, expect, test } from 'vitest';
import { Draw } from '../../planning/random.ts';
import { ArrivalRates } from './arrival-rates.ts';

/** Poisson arrivals at these rates, each for so many seconds; the estimate at each whole second. */
function estimates(seed: number, ...phases: { rate: number; seconds: number }[]): number[] {
  const [draw, rates] = [new Draw(seed), new ArrivalRates(0)];
  const seen: number[] = [];
  let [at, begin] = [0, 0];
  for (const { rate, seconds } of phases) {
    const end = begin + seconds;
    for (at = begin + draw.exponential(1 / rate); at < end; at += draw.exponential(1 / rate)) {
      while (seen.length < at) seen.push(rates.rate(1000 * seen.length));
      rates.arrived(1000 * at);
    }
    while (seen.length < end) seen.push(rates.rate(1000 * seen.length));
    begin = end;
  }
  return seen;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

describe.each([0.05, 0.3, 1, 5, 40])('Poisson arrivals, %d a second', (rate) => {
  const seen = Array.from({ length: 5 }, (_, seed) => estimates(seed, { rate, seconds: 4_000 }).slice(600)).flat();

  test('are told on the mean', () => {
    expect(Math.abs(mean(seen) / rate - 1)).toBeLessThan(0.08);
  });

  test('and chance makes them another rate for a small share of the time only', () => {
    // Four deviations of the count over the longest window.
    const unusual = 4 * Math.sqrt(1 / (2 * 180 * rate));
    const share = seen.filter((one) => Math.abs(one / rate - 1) > unusual).length / seen.length;
    expect(share).toBeLessThan(0.03);
  });
});

test('three that come at once now and then are no other rate', () => {
  // Three jobs a minute: chance alone brings three within ten seconds every few minutes.
  const seen = Array.from({ length: 10 }, (_, seed) => estimates(seed, { rate: 0.05, seconds: 20_000 }).slice(2_000)).flat();
  expect(seen.filter((rate) => rate > 0.15).length / seen.length).toBeLessThan(0.001);
});

test('a jump is seen within seconds, and so is its end', () => {
  const found = Array.from({ length: 20 }, (_, seed) => {
    const seen = estimates(seed, { rate: 0.5, seconds: 1_000 }, { rate: 5, seconds: 300 }, { rate: 0.5, seconds: 300 });
    return {
      up: seen.slice(1_000).findIndex((rate) => rate > 2),
      during: mean(seen.slice(1_100, 1_300)),
      down: seen.slice(1_300).findIndex((rate) => rate < 2),
    };
  });
  expect(Math.max(...found.map(({ up }) => up))).toBeLessThanOrEqual(10);
  expect(Math.max(...found.map(({ down }) => down))).toBeLessThanOrEqual(30);
  expect(mean(found.map(({ during }) => during))).toBeCloseTo(5, 0);
});

test('silence is seen, and counts less the longer it lasts', () => {
  const rates = new ArrivalRates(0);
  expect(rates.rate(0)).toBe(0);
  for (let at = 0; at < 600_000; at += 100) rates.arrived(at);
  expect(rates.rate(600_000)).toBeCloseTo(10, 0);
  const later = [10, 60, 600, 3_600].map((seconds) => rates.rate(600_000 + 1000 * seconds));
  for (const [n, rate] of later.entries()) expect(rate).toBeLessThan(later[n - 1] ?? 10);
  expect(later.at(-1)).toBeLessThan(0.001);
});

test('the first job alone says little', () => {
  const rates = new ArrivalRates(0);
  rates.arrived(0);
  expect(rates.rate(0)).toBeCloseTo(0.1, 9);
  expect(rates.rate(60_000)).toBeLessThan(0.02);
});

test('jobs of about the last quarter hour are counted', () => {
  const rates = new ArrivalRates(0);
  for (let n = 0; n < 300; n++) rates.arrived(0);
  expect(rates.jobs(0)).toBe(300);
  expect(rates.jobs(900_000)).toBeCloseTo(300 / Math.E, 9);
});

test('reading changes nothing', () => {
  const [read, unread] = [new ArrivalRates(0), new ArrivalRates(0)];
  for (let at = 0; at < 60_000; at += 777) {
    read.arrived(at);
    unread.arrived(at);
    for (let n = 1; n < 7; n++) read.rate(at + n * 100);
  }
  expect(read.rate(70_000)).toBeCloseTo(unread.rate(70_000), 9);
});
