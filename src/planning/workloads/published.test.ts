import { describe, expect, test } from 'vitest';
import { apart, counts, cv, dispersion, intervals, mean } from '../../../test/support/arrivals.ts';
import { Draw } from '../random.ts';
import { azureFunctions, callsPerDay } from './azure-functions.ts';
import { published } from './published.ts';

const seeds = Array.from({ length: 10 }, (_, seed) => seed);

/** In the mean over some seeds, of a workload's own length. */
function statistics(name: keyof typeof published) {
  const { jobs, seconds } = published[name];
  const draws = seeds.map((seed) => {
    const arrivals = jobs(new Draw(seed), seconds)
      .map(({ at }) => at)
      .toSorted((a, b) => a - b);
    const tens = counts(arrivals, seconds, 10);
    return {
      jobs: arrivals.length,
      cv: cv(intervals(arrivals)),
      peak: Math.max(...tens) / mean(tens),
      ten: dispersion(tens),
      sixty: dispersion(counts(arrivals, seconds, 60)),
    };
  });
  const of = (what: keyof (typeof draws)[number]): number => mean(draws.map((draw) => draw[what]));
  return { jobs: of('jobs'), cv: of('cv'), peak: of('peak'), ten: of('ten'), sixty: of('sixty') };
}

test('azure-code is as bursty as its source: intervals, counts and peak', () => {
  const drawn = statistics('azure-code');
  expect(apart(drawn.jobs, 8_819)).toBeLessThan(0.1);
  expect(apart(drawn.cv, 13.2)).toBeLessThan(0.15);
  expect(apart(drawn.ten, 71)).toBeLessThan(0.25);
  expect(apart(drawn.sixty, 161)).toBeLessThan(0.25);
  expect(apart(drawn.peak, 12.8)).toBeLessThan(0.35);
});

test('azure-conversation drifts as its source does', () => {
  const drawn = statistics('azure-conversation');
  expect(apart(drawn.jobs, 19_366)).toBeLessThan(0.02);
  expect(apart(drawn.cv, 1.09)).toBeLessThan(0.05);
  expect(apart(drawn.ten, 4)).toBeLessThan(0.1);
  expect(apart(drawn.peak, 1.8)).toBeLessThan(0.15);
});

test('burstgpt: the rate of its source, far more than Poisson', () => {
  const drawn = statistics('burstgpt');
  expect(apart(drawn.jobs, (10.31e6 / 213) * 1)).toBeLessThan(0.03);
  expect(drawn.cv).toBeGreaterThan(3);
  expect(drawn.ten).toBeGreaterThan(6);
});

test('weekly: working days alike, the weekend at half of them, noon far above night', () => {
  const { jobs, seconds } = published.weekly;
  const arrivals = jobs(new Draw(1), seconds).map(({ at }) => at);
  const days = counts(arrivals, seconds, 86_400);
  expect(days).toHaveLength(7);
  for (const day of days.slice(0, 5)) expect(apart(day, 0.225 * 86_400)).toBeLessThan(0.03);
  for (const day of days.slice(5)) expect(apart(day, 0.1125 * 86_400)).toBeLessThan(0.03);
  const hours = counts(arrivals, 86_400, 3_600);
  expect(hours[12]! / hours[0]!).toBeGreaterThan(5);
});

describe('servegen', () => {
  const { jobs, seconds } = published.servegen;
  const draws = seeds.map((seed) => jobs(new Draw(seed), seconds));

  test('clients add up to the rate, the first ones to most of it', () => {
    const all = draws.flat();
    expect(apart(all.length / draws.length / seconds, 1.5)).toBeLessThan(0.1);
    const first = new Set(Array.from({ length: 10 }, (_, client) => `client-${client + 1}`));
    // Zipf with power 1.2 over 100.
    expect(apart(all.filter(({ user }) => first.has(user ?? '')).length / all.length, 0.66)).toBeLessThan(0.1);
  });

  test('the sum is burstier than Poisson, single clients far more', () => {
    const sums = draws.map((draw) =>
      dispersion(
        counts(
          draw.map(({ at }) => at),
          seconds,
          60,
        ),
      ),
    );
    const seconds2 = draws.map((draw) => draw.filter(({ user }) => user === 'client-2').map(({ at }) => at));
    expect(mean(sums)).toBeGreaterThan(3);
    expect(mean(seconds2.map((arrivals) => dispersion(counts(arrivals, seconds, 60))))).toBeGreaterThan(6);
  });
});

describe('azure-functions', () => {
  test('45 % of the apps are called at most once an hour, 81 % at most once a minute, none beyond eight decades', () => {
    const draw = new Draw(1);
    const rates = Array.from({ length: 100_000 }, () => callsPerDay(draw));
    const share = (most: number): number => rates.filter((rate) => rate <= most).length / rates.length;
    expect(apart(share(24), 0.45)).toBeLessThan(0.02);
    expect(apart(share(1_440), 0.81)).toBeLessThan(0.02);
    expect(Math.log10(Math.max(...rates.slice(0, 10_000)) / Math.min(...rates.slice(0, 10_000)))).toBeLessThan(8);
    expect(Math.log10(Math.max(...rates.slice(0, 10_000)) / Math.min(...rates.slice(0, 10_000)))).toBeGreaterThan(7);
  });

  test('few apps make nearly all the calls; some are timers, others come in bursts', () => {
    const draws = seeds.map((seed) => Map.groupBy(azureFunctions.jobs(new Draw(seed), 14_400), ({ user }) => user));
    const shares = draws.map((apps) => {
      const calls = [...apps.values()].map((jobs) => jobs.length).toSorted((a, b) => b - a);
      return calls.slice(0, 4).reduce((sum, count) => sum + count, 0) / calls.reduce((sum, count) => sum + count, 0);
    });
    expect(mean(shares)).toBeGreaterThan(0.8);
    const variations = draws
      .flatMap((apps) => [...apps.values()].map((jobs) => jobs.map(({ at }) => at)))
      .filter((arrivals) => arrivals.length > 50)
      .map((arrivals) => cv(intervals(arrivals)));
    expect(variations.filter((variation) => variation < 0.001).length / variations.length).toBeGreaterThan(0.05);
    expect(variations.filter((variation) => variation > 1.5).length / variations.length).toBeGreaterThan(0.2);
  });
});
