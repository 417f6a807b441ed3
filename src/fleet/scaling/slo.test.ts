import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import type { Json } from '../../comfyui/protocol.ts';
import { lognormal } from '../learning/lognormal.ts';
import { Observations, steps, type Observed } from '../learning/observations.ts';
import { aliveOf, type Decision, type FleetSummary } from './policy.ts';
import { defaultScaling, type ScalingSettings } from './settings.ts';
import { slo } from './slo.ts';

const settings: ScalingSettings = { ...defaultScaling, policy: 'slo' };

const none = (): number[] => Array.from({ length: steps }, () => 0);
/** So many at these steps. */
const at = (counts: Record<number, number>): number[] => Object.assign(none(), counts);

/** Jobs of 3 s, starts of 20 s, of which nothing is there; the target's 6 s are 64 steps. */
const observedOf = (given: Partial<Observed> = {}): Observed => ({
  stepSeconds: 6 / steps,
  latestStarts: none(),
  late: 0,
  frees: none(),
  rate: 0,
  arrivals: 1_000,
  service: lognormal(Math.log(3), 0.2),
  outsideSeconds: 0,
  startSeconds: 20,
  loadSeconds: 0,
  bursts: [],
  ended: 0,
  missed: 0,
  ...given,
});

interface Case {
  summary?: Partial<FleetSummary>;
  observed?: Partial<Observed>;
  settings?: Partial<ScalingSettings>;
  memory?: Json;
}

const decide = ({ summary, observed, settings: own, memory = null }: Case = {}): Decision =>
  slo.decide(summaryOf({ now: 1_000_000, ...summary, observed: observedOf(observed) }), { ...settings, ...own }, memory);

const correctionOf = ({ memory }: Decision): number => (memory as unknown as { correction: number }).correction;

describe('an empty deployment', () => {
  test('wants nothing and need not be asked again', () => {
    expect(decide()).toMatchObject({ start: 0, stop: 0, cancel: 0, desired: 0, standing: 0, wakeAt: null, reason: 'enough' });
  });

  test('wants min_containers at once, within max_containers', () => {
    expect(decide({ settings: { minContainers: 3 } })).toMatchObject({ start: 3, desired: 3, reason: 'min_containers 3' });
    expect(decide({ settings: { minContainers: 3, maxContainers: 2 } }).start).toBe(2);
  });

  test('starts one for its first job, which is late whatever is done', () => {
    expect(decide({ summary: { queued: 1 }, observed: { latestStarts: at({ 20: 1 }) } }).start).toBe(1);
    expect(decide({ summary: { queued: 1 }, observed: { late: 1 } })).toMatchObject({ start: 1, reason: 'late: 1 queued job to work off' });
  });

  test('starts no more for late jobs than wait for one, and has no more stand for a rate than jobs have come', () => {
    // 300 at once look like a rate of 30 a second.
    const all = { late: 300, rate: 30, arrivals: 300, service: lognormal(Math.log(15), 0.5) };
    expect(decide({ summary: { queued: 300 }, observed: all })).toMatchObject({ start: 300 });
    const coming = { starting: 200, idleForMs: [0], queued: 300 };
    const waits = { slo: { ...settings.slo, latencyMs: 60_000 } };
    expect(decide({ summary: coming, observed: all, settings: waits }).start).toBe(99);
    expect(decide({ summary: { ...coming, starting: 400 }, observed: all }).start).toBe(0);
    const { standing } = decide({ observed: { rate: 30, arrivals: 2.1 } });
    expect(standing).toBe(3);
  });

  test('starts one for a first job that can wait, no sooner than it must', () => {
    const learnt = new Observations(0, { serviceSeconds: 3, startSeconds: 5 });
    const latencyMs = 60_000;
    const first = {
      id: 'a',
      priority: 0,
      number: 0,
      key: null,
      modelKey: '',
      createdAt: 0,
      behind: learnt.behind({ createdAt: 0, workflow: 'w' }, latencyMs),
    };
    learnt.arrived(0, latencyMs);
    const own = { ...settings, slo: { ...settings.slo, latencyMs } };
    let [now, memory, asked]: [number, Json, number] = [0, null, 0];
    for (;;) {
      const observed = learnt.observe(now, { latencyMs, queue: [first] });
      const decision = slo.decide(summaryOf({ now, queued: 1, oldestQueuedMs: now, observed }), own, memory);
      if (decision.start > 0) {
        expect(decision).toMatchObject({ start: 1, reason: '1 queued job would be late otherwise' });
        break;
      }
      expect([decision.wakeAt! > now, ++asked < 1_000]).toEqual([true, true]);
      [now, memory] = [decision.wakeAt!, decision.memory];
    }
    // In time even for a job much longer than most, but not at once.
    expect(now).toBeGreaterThan(30_000);
    expect(now + 5_000 + 3_000).toBeLessThan(latencyMs);
  });
});

describe('containers that stand ready', () => {
  test('are there for a rate of arrivals where jobs cannot wait for a start', () => {
    const { start, standing, reason } = decide({ observed: { rate: 1 } });
    expect(start).toBe(standing);
    expect(start).toBeGreaterThan(3);
    expect(reason).toBe(`1.00 jobs per second need ${start}`);
    expect(decide({ observed: { rate: 1, startSeconds: 0.5 } })).toMatchObject({ start: 0, standing: 0 });
  });

  test('are there for bursts that came before, as far as those are worth it', () => {
    // A miss is worth 40 container-seconds: a container helps, if more than one job in 40 s needs it.
    const bursts = [0.2, 0.1, 0.05, 0.02, 0.001];
    expect(decide({ observed: { bursts } })).toMatchObject({ start: 3, standing: 0, reason: 'bursts need 3' });
    expect(decide({ observed: { bursts }, settings: { maxContainers: 2 } }).start).toBe(2);
  });

  test('are asked about again soon, since the rate changes while nothing happens', () => {
    expect(decide({ observed: { rate: 1 } }).wakeAt).toBe(1_001_000);
  });
});

test('late jobs that go behind are worked off by as many as that takes within a latency or a start, and by the rate', () => {
  const backlog = (late: number, rate: number, busy: number): number =>
    decide({
      summary: { queued: late, busy, running: busy },
      observed: { late, rate, startSeconds: 20, service: lognormal(Math.log(3), 0), latestStarts: none() },
      // Nothing stands for the rate, so that what is started is for the jobs.
      settings: { slo: { ...settings.slo, latencyMs: 2_000 } },
    }).start;
  // 100 jobs of 3 s in half of 20 s: 30 containers.
  expect([backlog(100, 0, 0), backlog(100, 0, 12), backlog(100, 0, 40), backlog(100, 1, 12)]).toEqual([30, 18, 0, 21]);
});

describe('what a miss is worth', () => {
  const after = (ended: number, missed: number, correction = 0): number =>
    correctionOf(
      decide({ observed: { ended, missed }, memory: { ended: 0, missed: 0, correction, gaps: { needed: 0, lastNeeded: [], bins: [] } } }),
    );

  test('rises with a miss, falls with a job in time, and rests where 13 of 20 misses that the target allows happen', () => {
    expect(after(1, 1)).toBeGreaterThan(0);
    expect(after(1, 0)).toBeLessThan(0);
    expect(after(400, 13)).toBeCloseTo(0, 9);
    expect(after(400, 14)).toBeCloseTo(0.15, 9);
    expect(after(0, 0, 1.5)).toBe(1.5);
  });

  test('stays within its limits', () => {
    expect(after(1_000_000, 1_000_000)).toBe(3.5);
    expect(after(1_000_000, 0)).toBe(-2);
  });

  test('makes more or fewer containers stand', () => {
    const standing = (correction: number): number =>
      decide({ observed: { rate: 1 }, memory: { ended: 0, missed: 0, correction, gaps: { needed: 0, lastNeeded: [], bins: [] } } })
        .standing!;
    expect(standing(3)).toBeGreaterThan(standing(0));
    expect(standing(0)).toBeGreaterThan(standing(-2));
  });

  test('rate and worth are looked at once a second', () => {
    const first = decide({ observed: { rate: 1 } });
    const later = (ms: number): number | undefined =>
      decide({ summary: { now: 1_000_000 + ms }, observed: { rate: 3 }, memory: first.memory }).standing;
    expect([later(0), later(999)]).toEqual([first.standing, first.standing]);
    expect(later(1_000)).toBeGreaterThan(first.standing!);
    expect(later(-1_000)).toBeGreaterThan(first.standing!);
  });

  test('counts from where it looked last', () => {
    const first = decide({ observed: { ended: 10, missed: 10 } });
    const second = decide({ observed: { ended: 10, missed: 10 }, memory: first.memory });
    expect(correctionOf(second)).toBe(correctionOf(first));
  });
});

describe('what it wants its user to know', () => {
  const note = (given: Case): string | null => {
    const summary = summaryOf({ ...given.summary, observed: observedOf(given.observed) });
    return slo.note!(summary, { ...settings, ...given.settings }, decide(given).memory);
  };
  const price = { price: 1.1 };

  test('is nothing while jobs can wait for a start, and before any has missed', () => {
    expect(note({ observed: { startSeconds: 2, rate: 1 } })).toBeNull();
    expect(note({ observed: { ended: 100, missed: 5 } })).toBeNull();
  });

  test('is what stands ready, why, and for how much', () => {
    expect(note({ summary: price, observed: { bursts: [1, 1, 1] } })).toBe(
      '3 stand ready for $3.30 an hour, since a start takes 20.0 s and a job can wait only 2.9 s. With starts faster than that none would have to.',
    );
    expect(note({ observed: { bursts: [1, 1, 1] }, settings: { minContainers: 3 } })).toBeNull();
  });

  test('is what would keep single jobs in time, where most miss', () => {
    expect(note({ summary: price, observed: { ended: 4, missed: 3 } })).toBe(
      'A job that comes when nothing runs is late, since a start takes 20.0 s and a job can wait only 2.9 s. min_containers=1 keeps one ready for $1.10 an hour.',
    );
  });

  test('is that nothing can meet the target, once it has seen jobs', () => {
    const own = { slo: { ...settings.slo, latencyMs: 2_000 } };
    expect(note({ observed: { ended: 0 }, settings: own })).toBeNull();
    expect(note({ observed: { ended: 1, missed: 1 }, settings: own })).toBe(
      'Jobs take 3.1 s and the target is 2 s: no number of containers can meet it.',
    );
  });
});

describe('an idle container', () => {
  /** What it remembers after one container was needed at 0 and no more from 1 s on. */
  const used = (): Json => {
    const quick = { startSeconds: 2 };
    const busy = slo.decide(summaryOf({ now: 0, busy: 1, observed: observedOf(quick) }), settings, null);
    return slo.decide(summaryOf({ now: 1_000, idleForMs: [0], observed: observedOf(quick) }), settings, busy.memory).memory;
  };
  const idleAt = (now: number, own: Partial<ScalingSettings> = {}): Decision =>
    decide({ summary: { now, idleForMs: [now - 1_000] }, observed: { startSeconds: 2 }, memory: used(), settings: own });

  test('is kept for a quarter of a start, at first, and then stopped', () => {
    expect(idleAt(1_100)).toMatchObject({ stop: 0, wakeAt: 1_500 });
    expect(idleAt(1_500)).toMatchObject({ stop: 1, desired: 0, reason: 'its next start is cheaper than keeping it' });
  });

  test('is kept longer where a new one would have to load models first', () => {
    const decision = decide({ summary: { now: 1_500, idleForMs: [500] }, observed: { startSeconds: 2, loadSeconds: 4 }, memory: used() });
    expect(decision).toMatchObject({ stop: 0, wakeAt: 2_500 });
  });

  test('is kept where min_containers says so', () => {
    expect(idleAt(100_000, { minContainers: 1 }).stop).toBe(0);
  });

  test('is needed while it works, unless only those that stand ready bring jobs in time', () => {
    const needed = (latencyMs: number, startSeconds: number): unknown => {
      const own = { slo: { ...settings.slo, latencyMs } };
      const { memory } = decide({ summary: { busy: 2, starting: 1 }, observed: { startSeconds }, settings: own });
      return (memory as { gaps: { needed: number } }).gaps.needed;
    };
    // Jobs of 3 s: they can wait for a start of 2 s, not for one of 20 s, and in 2 s nothing is in time.
    expect([needed(6_000, 2), needed(6_000, 20), needed(2_000, 20)]).toEqual([3, 0, 3]);
  });

  test('that was never needed goes at once, beside those that are', () => {
    const decision = decide({ summary: { busy: 2, idleForMs: [100, 50, 20] }, observed: { startSeconds: 2 } });
    expect(decision).toMatchObject({ stop: 3, start: 0, desired: 2 });
  });

  test('a start that nobody waits for is given up only where gaps were found to be long', () => {
    const long = { needed: 0, lastNeeded: [null], bins: [[0, 0, 0, 0, 0, 10]] };
    const given = { summary: { starting: 1 }, observed: { frees: at({ 30: 1 }) } };
    expect(decide(given).cancel).toBe(0);
    const memory = { ended: 0, missed: 0, correction: 0, gaps: long };
    expect(decide({ ...given, memory })).toMatchObject({ cancel: 1, desired: 0, reason: 'nobody waits for it any more' });
    expect(decide({ ...given, summary: { starting: 1, queued: 1 }, memory }).cancel).toBe(0);
  });
});

const count = fc.nat(6);
const counts = fc.array(count, { minLength: steps, maxLength: steps });
const share = fc.double({ min: 0, max: 3, noNaN: true });
const observations = fc.record({
  latestStarts: counts,
  late: fc.nat(50),
  arrivals: fc.nat(1_000),
  frees: counts,
  rate: fc.oneof(fc.constant(0), share),
  service: fc.record({ mu: fc.double({ min: -3, max: 4, noNaN: true }), sigma: fc.double({ min: 0, max: 1.5, noNaN: true }) }),
  outsideSeconds: share,
  startSeconds: fc.double({ min: 0.01, max: 90, noNaN: true }),
  loadSeconds: fc.constantFrom(0, 22),
  bursts: fc.array(share, { maxLength: 12 }),
  ended: fc.nat(500),
  missed: fc.nat(100),
});
const cases = fc.record({
  observed: observations.map(({ service, ...rest }) => ({ ...rest, service: lognormal(service.mu, service.sigma) })),
  summary: fc.record({
    queued: fc.nat(400),
    starting: fc.nat(12),
    busy: fc.nat(12),
    idleForMs: fc.array(fc.nat(200_000), { maxLength: 12 }).map((idle) => idle.sort((a, b) => b - a)),
  }),
  settings: fc.record({ minContainers: fc.nat(5), maxContainers: fc.option(fc.integer({ min: 5, max: 40 })) }),
});

/** What holds of every decision. */
function expectWellFormed(decision: Decision, summary: FleetSummary, own: ScalingSettings): void {
  const { start, stop, cancel, desired, standing, wakeAt } = decision;
  for (const number of [start, stop, cancel, desired, standing]) expect(Number.isInteger(number) && number! >= 0).toBe(true);
  expect(stop).toBeLessThanOrEqual(summary.idleForMs.length);
  expect(cancel).toBeLessThanOrEqual(summary.starting);
  expect(desired).toBe(aliveOf(summary) + start - stop - cancel);
  expect(start === 0 || stop + cancel === 0).toBe(true);
  if (wakeAt !== null) expect(wakeAt).toBeGreaterThanOrEqual(summary.now);
  const least = Math.min(own.minContainers, own.maxContainers ?? Infinity);
  expect(desired).toBeGreaterThanOrEqual(least);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

describe('whatever happens', () => {
  test('decisions are well-formed, the same again for the same arguments, and change nothing that they are given', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(cases, fc.nat(20_000)), { minLength: 1, maxLength: 6 }), (list) => {
        let [now, memory]: [number, Json] = [1_000_000, null];
        for (const [given, ms] of list) {
          const summary = freeze(summaryOf({ now: (now += ms), ...given.summary, observed: observedOf(given.observed) }));
          const own = freeze({ ...settings, ...given.settings });
          const decision = slo.decide(summary, own, freeze(memory));
          expectWellFormed(decision, summary, own);
          expect(slo.decide(summary, own, JSON.parse(JSON.stringify(memory)) as Json)).toEqual(decision);
          expect(JSON.parse(JSON.stringify(decision.memory))).toEqual(decision.memory);
          memory = decision.memory;
        }
      }),
      { numRuns: 300 },
    );
  });

  test('nothing is started above max_containers for what stands ready', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { start, desired } = decide({
          ...given,
          summary: { ...given.summary, queued: 0 },
          observed: { ...given.observed, late: 0, latestStarts: none() },
        });
        if (start > 0) expect(desired).toBeLessThanOrEqual(given.settings.maxContainers ?? Infinity);
      }),
      { numRuns: 300 },
    );
  });

  test('a thousand containers and ten thousand queued jobs are decided on like others', () => {
    const spread = (many: number): number[] =>
      none().map((_, step) => Math.floor((many * (step + 1)) / steps) - Math.floor((many * step) / steps));
    const idleForMs = Array.from({ length: 200 }, (_, n) => 200_000 - 1_000 * n);
    const summary = summaryOf({ now: 1_000_000, queued: 10_000, running: 600, busy: 600, starting: 200, idleForMs });
    const observed = observedOf({
      latestStarts: spread(6_000),
      late: 4_000,
      frees: spread(800),
      rate: 150,
      startSeconds: 3,
      loadSeconds: 0,
    });
    const first = slo.decide({ ...summary, observed }, settings, null);
    expectWellFormed(first, summary, settings);
    expect(first.start).toBeGreaterThan(1_000);
    const quiet = { ...summary, queued: 0, observed: observedOf({ frees: spread(800) }) };
    const second = slo.decide(quiet, settings, first.memory);
    expectWellFormed(second, quiet, settings);
    expect(second.start).toBe(0);
  });
});
