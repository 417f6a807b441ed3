import { describe, expect, test } from 'vitest';
import { apart, counts, cv, dispersion, mean } from '../../../test/support/arrivals.ts';
import { Draw } from '../random.ts';
import { heldOut } from './held-out.ts';
import type { DrawnJob, Workload } from './workload.ts';

// Only what is drawn is looked at: no policy is run on these.

const seeds = Array.from({ length: 20 }, (_, seed) => seed + 1);

const drawn = ({ jobs, seconds }: Workload): DrawnJob[][] => seeds.map((seed) => jobs(new Draw(seed), seconds));

/** Arrivals per second from one moment until another, in the mean over the draws. */
const rateBetween = (draws: readonly DrawnJob[][], from: number, to: number): number =>
  mean(draws.map((jobs) => jobs.filter(({ at }) => at >= from && at < to).length)) / (to - from);

const share = (jobs: readonly DrawnJob[], of: (job: DrawnJob) => boolean): number => jobs.filter(of).length / jobs.length;

const service = ({ service }: DrawnJob): number => service;

test('all are held out, with one start each', () => {
  for (const { part, startSeconds } of Object.values(heldOut)) expect([part, startSeconds.length]).toEqual(['held-out', 1]);
});

describe('tenants', () => {
  const draws = drawn(heldOut.tenants);
  const all = draws.flat();
  const rankOf = ({ user = '' }: DrawnJob): number => Number(user.replace('caller-', ''));
  /** How many come from the same caller at the same moment. */
  const together = (of: (rank: number) => boolean): number[] =>
    draws.flatMap((jobs) =>
      [...Map.groupBy(jobs, ({ user, at }) => `${user} ${at}`).values()].filter(([job]) => of(rankOf(job!))).map(({ length }) => length),
    );

  test('the rate, and shares that fall with rank', () => {
    expect(apart(rateBetween(draws, 0, 7_200), 0.8)).toBeLessThan(0.02);
    const harmonic = 3.995;
    expect(
      apart(
        share(all, (job) => rankOf(job) === 1),
        1 / harmonic,
      ),
    ).toBeLessThan(0.03);
    expect(
      apart(
        share(all, (job) => rankOf(job) === 2),
        1 / 2 / harmonic,
      ),
    ).toBeLessThan(0.03);
    expect(
      apart(
        share(all, (job) => rankOf(job) % 5 === 0),
        2.45 / 5 / harmonic,
      ),
    ).toBeLessThan(0.05);
    expect(new Set(all.map(rankOf))).toEqual(new Set(Array.from({ length: 30 }, (_, index) => index + 1)));
  });

  test('every fifth caller sends batches of 1 to 20, the others single jobs', () => {
    const batches = together((rank) => rank % 5 === 0);
    expect(apart(mean(batches), 10.5)).toBeLessThan(0.03);
    expect([Math.min(...batches), Math.max(...batches)]).toEqual([1, 20]);
    expect(Math.max(...together((rank) => rank % 5 !== 0))).toBe(1);
    expect(apart(mean(all.map(service)), 3.5)).toBeLessThan(0.01);
  });
});

describe('checkpoints', () => {
  const draws = drawn(heldOut.checkpoints);
  const all = draws.flat();

  test('a wave of six hours', () => {
    expect(apart(rateBetween(draws, 0, 21_600), 0.135)).toBeLessThan(0.03);
    expect(apart(rateBetween(draws, 10_500, 11_100), 0.25)).toBeLessThan(0.1);
    expect(rateBetween(draws, 0, 1_200)).toBeLessThan(0.03);
  });

  test('a quarter are of the workflow that takes twice as long', () => {
    const [upscale, others] = [true, false].map((is) => all.filter(({ workflow }) => (workflow === 'upscale') === is).map(service));
    expect(apart(upscale!.length / all.length, 0.25)).toBeLessThan(0.03);
    expect([apart(mean(upscale!), 24), apart(mean(others!), 12), apart(cv(others!), 0.4)].every((off) => off < 0.03)).toBe(true);
  });

  test('twelve base models by the Zipf distribution', () => {
    const harmonic = 3.1032;
    for (const rank of [1, 2, 3, 12]) {
      expect(
        apart(
          share(all, ({ model }) => model === `base-${rank}`),
          1 / rank / harmonic,
        ),
        `model ${rank}`,
      ).toBeLessThan(0.06);
    }
    expect(new Set(all.map(({ model }) => model)).size).toBe(12);
  });
});

test('office: up in the morning, less at lunch, down in the evening', () => {
  const draws = drawn(heldOut.office);
  const at = (hours: number): number => rateBetween(draws, hours * 3_600 - 120, hours * 3_600 + 120);
  for (const [hours, rate] of [
    [0.5, 0.525],
    [1, 1],
    [2, 1.2],
    [3.5, 0.8],
    [4.25, 0.3],
    [5.5, 0.75],
    [7, 0.4],
  ] as const) {
    expect(apart(at(hours), rate), `after ${hours} h`).toBeLessThan(0.08);
  }
  expect(apart(rateBetween(draws, 0, 28_800), 5.3625 / 8)).toBeLessThan(0.01);
});

test('launch: twenty times as many from one second to the next, a time constant later less by a factor of e', () => {
  const draws = drawn(heldOut.launch);
  expect(apart(rateBetween(draws, 0, 900), 0.2)).toBeLessThan(0.05);
  expect(apart(rateBetween(draws, 900, 930), 4)).toBeLessThan(0.08);
  expect(apart(rateBetween(draws, 1_470, 1_530), 0.2 + 3.8 / Math.E)).toBeLessThan(0.08);
  expect(apart(rateBetween(draws, 0, 3_600), (720 + 3.8 * 600 * (1 - Math.exp(-4.5))) / 3_600)).toBeLessThan(0.02);
});

test('video: long jobs, a third of the time at ten times the rate', () => {
  const long = heldOut.video.jobs(new Draw(1), 1_000_000);
  expect(apart(long.length / 1_000_000, 0.02)).toBeLessThan(0.05);
  // 1 + 2 p (1 - p) (difference of rates)^2 / mean rate x integral of the correlation over the window, relaxation time 400 s.
  const expected = 1 + ((((2 * 2) / 9) * 0.045 ** 2) / 0.02) * (400 - (400 ** 2 / 600) * (1 - Math.exp(-600 / 400)));
  const arrivals = long.map(({ at }) => at);
  expect(apart(dispersion(counts(arrivals, 1_000_000, 600)), expected)).toBeLessThan(0.15);
  expect(apart(mean(long.map(service)), 180)).toBeLessThan(0.01);
  expect(apart(cv(long.map(service)), 0.3)).toBeLessThan(0.03);
});
