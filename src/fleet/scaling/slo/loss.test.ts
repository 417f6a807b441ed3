import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draw } from '../../../planning/random.ts';
import { lognormal, type Lognormal } from '../../learning/lognormal.ts';
import { erlangC, lossShare, standingFor, type StandingInput } from './loss.ts';

/** By its mean and its standard deviation over that. */
const timeOf = (mean: number, cv: number): Lognormal =>
  lognormal(Math.log(mean) - Math.log(1 + cv * cv) / 2, Math.sqrt(Math.log(1 + cv * cv)));

describe('Erlang C', () => {
  test('is what tables say', () => {
    const known: [load: number, servers: number, waits: number][] = [
      [0.5, 1, 0.5],
      [0.9, 1, 0.9],
      [1, 2, 1 / 3],
      [2, 3, 4 / 9],
      [8, 10, 0.409],
      [4, 5, 0.5541],
    ];
    for (const [load, servers, waits] of known) expect(erlangC(load, servers)).toBeCloseTo(waits, 3);
  });

  test('is the sum of its definition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (servers, use) => {
        const load = servers * use;
        let [term, sum] = [1, 0];
        for (let n = 0; n < servers; n++) {
          sum += term;
          term *= load / (n + 1);
        }
        const waiting = term / (1 - use);
        expect(erlangC(load, servers)).toBeCloseTo(waiting / (sum + waiting), 9);
      }),
    );
  });
});

interface Crowd {
  readonly rate: number;
  readonly servers: number;
  readonly patience: number;
  /** Draws a service time, seconds. */
  readonly service: () => number;
}

/** Share of jobs that begin later than their patience, played: the jobs that can still begin in time first, the longest waiting of them first; then the others. */
function playedLoss(draw: Draw, { rate, servers, patience, service }: Crowd, jobs: number): number {
  const busyUntil = Array.from({ length: servers }, () => 0);
  const inTime: number[] = [];
  let [arrival, late, lost, left] = [draw.exponential(1 / rate), 0, 0, jobs];
  while (left > 0 || inTime.length > 0 || late > 0) {
    const first = busyUntil.indexOf(Math.min(...busyUntil));
    const free = busyUntil[first] as number;
    if (left > 0 && (free > arrival || inTime.length + late === 0)) {
      if (free <= arrival) busyUntil[first] = arrival;
      inTime.push(arrival);
      left--;
      arrival += draw.exponential(1 / rate);
      continue;
    }
    while (inTime.length > 0 && free - (inTime[0] as number) > patience) {
      inTime.shift();
      late++;
      lost++;
    }
    if (inTime.length > 0) inTime.shift();
    else late--;
    busyUntil[first] = free + service();
  }
  return lost / jobs;
}

/** Service times of a second on the mean; exponential ones for a variation of 1, else lognormal. */
function compare({ servers, use, patience, cv }: { servers: number; use: number; patience: number; cv: number }) {
  const draw = new Draw(5);
  const rate = use * servers;
  const service = (): number => (cv === 1 ? draw.exponential(1) : draw.lognormal(1, cv));
  return {
    played: playedLoss(draw, { rate, servers, patience, service }, 60_000),
    told: lossShare({ rate, service: timeOf(1, cv), servers }, patience),
  };
}

describe('share of jobs that begin too late', () => {
  test.each([
    { servers: 1, use: 0.5, patience: 1 },
    { servers: 1, use: 0.8, patience: 0.5 },
  ])('exponential service, one server in use $use, patience $patience service times: exact', ({ servers, use, patience }) => {
    const { played, told } = compare({ servers, use, patience, cv: 1 });
    expect(Math.abs(told - played)).toBeLessThan(0.01);
  });

  // Where several serve, the approximation is on the safe side: late jobs are in the way of others less than it says.
  test.each([
    { servers: 2, use: 0.7, patience: 0.3, cv: 1 },
    { servers: 4, use: 0.8, patience: 0.5, cv: 1 },
    { servers: 8, use: 0.9, patience: 0.2, cv: 1 },
    { servers: 20, use: 0.9, patience: 0.1, cv: 1 },
    { servers: 2, use: 0.7, patience: 0.5, cv: 0.3 },
    { servers: 8, use: 0.8, patience: 0.3, cv: 0.3 },
  ])('service that varies by $cv, $servers servers in use $use, patience $patience: within a third', (given) => {
    const { played, told } = compare(given);
    expect(told / played).toBeGreaterThan(0.9);
    expect(told / played).toBeLessThan(1.33);
  });

  test('service times that vary a lot are told within a factor of 2.5', () => {
    const { played, told } = compare({ servers: 4, use: 0.7, patience: 1, cv: 2 });
    expect(told / played).toBeGreaterThan(1);
    expect(told / played).toBeLessThan(2.5);
  });

  test('is none without jobs, all without enough containers, a share else; less with each container and with patience', () => {
    const service = timeOf(2, 0.5);
    expect(lossShare({ rate: 0, service, servers: 0 }, 1)).toBe(0);
    expect(lossShare({ rate: 1, service, servers: 2 }, 1)).toBe(1);
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 30, noNaN: true }),
        (rate, servers, patience) => {
          const share = lossShare({ rate, service, servers }, patience);
          expect(share >= 0 && share <= 1).toBe(true);
          expect(lossShare({ rate, service, servers: servers + 1 }, patience)).toBeLessThanOrEqual(share + 1e-12);
          expect(lossShare({ rate, service, servers }, patience + 0.1)).toBeLessThanOrEqual(share + 1e-12);
        },
      ),
    );
  });
});

/** Middles of two hundred equal shares of the standard normal. */
const normal = Array.from({ length: 200 }, (_, n) => normalQuantile((n + 0.5) / 200));

describe('containers that stand for the rate of arrivals', () => {
  const usual: StandingInput = { rate: 1, service: timeOf(3, 0.3), latencySeconds: 6, startSeconds: 20, missSeconds: 24 };
  const standing = (more: Partial<StandingInput> = {}): number => standingFor({ ...usual, ...more });

  test('are none without arrivals, where every job can wait for a start, and where none can be in time', () => {
    expect([standing({ rate: 0 }), standing({ latencySeconds: 60 }), standing({ latencySeconds: 0.1 })]).toEqual([0, 0, 0]);
  });

  test('are none where a miss costs less than to stand, and no fewer than the load where it costs more', () => {
    expect(standing({ rate: 0.02 })).toBe(0);
    expect(standing({ rate: 0.02, missSeconds: 1_000 })).toBeGreaterThan(0);
    expect(standing()).toBeGreaterThan(3);
    expect(standing()).toBeLessThan(12);
  });

  test('are the cheapest of all numbers', () => {
    const input = fc.record({
      rate: fc.double({ min: 0.001, max: 8, noNaN: true }),
      missSeconds: fc.double({ min: 1, max: 200, noNaN: true }),
      latencySeconds: fc.double({ min: 9, max: 25, noNaN: true }),
    });
    fc.assert(
      fc.property(input, (given) => {
        const found = standing({ ...given, startSeconds: 60 });
        const { rate, service, missSeconds, latencySeconds } = { ...usual, ...given };
        // By length of the job, over a finer grid than that of the code; none can wait for a start, all can be in time.
        const lengths = normal.map((z) => Math.exp(service.mu + service.sigma * z));
        const slacks = lengths.map((seconds) => latencySeconds - seconds);
        const cost = (servers: number): number => {
          const missed = slacks.reduce((sum, slack) => sum + lossShare({ rate, service, servers }, slack), 0) / lengths.length;
          return servers + missSeconds * rate * missed;
        };
        const costs = Array.from({ length: 80 }, (_, servers) => cost(servers));
        expect(cost(found)).toBeLessThanOrEqual(1.05 * Math.min(...costs) + 0.1);
      }),
      { numRuns: 60 },
    );
  });

  test('are exactly those, where all jobs take as long', () => {
    const input = fc.record({
      rate: fc.double({ min: 0.001, max: 20, noNaN: true }),
      missSeconds: fc.double({ min: 1, max: 200, noNaN: true }),
      latencySeconds: fc.double({ min: 3.1, max: 12, noNaN: true }),
    });
    fc.assert(
      fc.property(input, ({ rate, missSeconds, latencySeconds }) => {
        const service = lognormal(Math.log(3), 0);
        const cost = (servers: number): number =>
          servers + missSeconds * rate * lossShare({ rate, service, servers }, latencySeconds - service.mean);
        const found = standing({ rate, missSeconds, latencySeconds, service });
        const costs = Array.from({ length: 120 }, (_, servers) => cost(servers));
        expect(cost(found)).toBeCloseTo(Math.min(...costs), 6);
      }),
      { numRuns: 200 },
    );
  });

  test('are no fewer for more jobs, unless all of them are not worth it, nor where a miss is worth more', () => {
    const rate = fc.double({ min: 0.001, max: 30, noNaN: true });
    const worth = fc.double({ min: 0.1, max: 2_000, noNaN: true });
    const more = fc.double({ min: 1, max: 5, noNaN: true });
    fc.assert(
      fc.property(rate, worth, more, (jobs, missSeconds, factor) => {
        const before = standing({ rate: jobs, missSeconds });
        // One that was worth it for fewer jobs may no longer do, and two may be too many: then none stands.
        const after = standing({ rate: jobs * factor, missSeconds });
        if (after < before) expect([after, missSeconds < 10]).toEqual([0, true]);
        expect(standing({ rate: jobs, missSeconds: missSeconds * factor })).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: 300, examples: [[0.2184, 5.69, 1.526]] },
    );
  });

  test('a thousand jobs a second are no endless search', () => {
    expect(standing({ rate: 1_000 })).toBeGreaterThan(3_000);
  });
});

/** Of the standard normal, by bisection of the distribution function, itself by Simpson's rule. */
function normalQuantile(share: number): number {
  let [low, high] = [-6, 6];
  for (let n = 0; n < 30; n++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function normalShare(z: number): number {
  const pieces = 60;
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(z);
  for (let n = 1; n < pieces; n++) sum += (n % 2 === 1 ? 4 : 2) * density((z * n) / pieces);
  return 0.5 + (sum * z) / pieces / 3;
}
