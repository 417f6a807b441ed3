import { beforeEach, describe, expect, test } from 'vitest';
import type { QueuedJob } from '../dispatch/queue.ts';
import { Observations, steps } from './observations.ts';

const prior = { serviceSeconds: 3, startSeconds: 20 };
let learnt: Observations;
let now: number;

beforeEach(() => {
  now = 1_000_000;
  learnt = new Observations(now, prior);
});

const after = (ms: number): number => (now += ms);

/** Jobs that have ended now, with a result. */
const inTime = () => ({ createdAt: now, latencyMs: 6_000 });
const late = () => ({ createdAt: now - 6_001, latencyMs: 6_000 });

/** A prompt that need not wait for the GPU: 400 ms until the GPU, so long on it, 500 ms after it. */
function run(job: string, gpuMs = 3_500, workflow = 'w'): void {
  learnt.bound(job, 'c', workflow, now);
  learnt.taken(job, after(400));
  learnt.freed(job, after(gpuMs), { whole: true });
  learnt.ended(job, after(500), inTime());
}

/** With this latency a step takes 100 ms. */
const observe = (queue: QueuedJob[] = []) => learnt.observe(now, { latencyMs: 100 * steps, queue });
/** Ends are looked at only then. */
const whileSomebodyWaits = () => observe([queued('waits', now + 1)]);

const queued = (id: string, from: number | null): QueuedJob => ({
  id,
  priority: 0,
  number: 0,
  key: null,
  modelKey: '',
  createdAt: now,
  behind: from === null ? null : { from, to: from + 60_000 },
});

describe('what prompts teach', () => {
  test('nothing is known before the first; then its times are', () => {
    expect([learnt.leadMs, learnt.loadMs]).toEqual([null, null]);
    run('a');
    expect(learnt.leadMs).toBe(400);
    expect(observe()).toMatchObject({ ended: 1, missed: 0 });
    for (let n = 0; n < 60; n++) run(`b${n}`);
    expect(observe().outsideSeconds).toBeCloseTo(0.9, 4);
    expect(learnt.serviceSeconds).toBeCloseTo(3.5, 1);
  });

  test('one that waited for the GPU teaches no lead, one that was cut off no GPU time', () => {
    run('a');
    const before = [learnt.leadMs, learnt.serviceSeconds];
    learnt.bound('b', 'c', 'w', now);
    learnt.taken('b', after(400));
    learnt.bound('c', 'c', 'w', after(3_200));
    learnt.freed('b', after(5_000), { whole: false });
    learnt.taken('c', after(10));
    expect([learnt.leadMs, learnt.serviceSeconds]).toEqual(before);
  });

  test('leads are a mean in which the newest has a fifth', () => {
    run('a');
    learnt.bound('b', 'c', 'w', now);
    learnt.taken('b', after(300));
    expect(learnt.leadMs).toBeCloseTo(380, 9);
  });

  test('only the first word that the GPU took it counts, and none after its end', () => {
    learnt.bound('a', 'c', 'w', now);
    learnt.taken('a', after(400));
    learnt.taken('a', after(4_000));
    expect(learnt.leadMs).toBe(400);
    learnt.freed('a', after(100), { whole: true });
    const seconds = learnt.serviceSeconds;
    learnt.freed('a', after(60_000), { whole: true });
    learnt.taken('a', after(60_000));
    expect([learnt.leadMs, learnt.serviceSeconds]).toEqual([400, seconds]);
  });

  test('a GPU that never said it began teaches no time on it', () => {
    const seconds = learnt.serviceSeconds;
    learnt.bound('a', 'c', 'w', now);
    learnt.freed('a', after(90_000), { whole: true });
    learnt.ended('a', now, late());
    expect(learnt.serviceSeconds).toBe(seconds);
    expect(observe()).toMatchObject({ ended: 1, missed: 1 });
  });

  test('two containers each have a prompt alone', () => {
    learnt.bound('a', 'c', 'w', now);
    learnt.bound('b', 'd', 'w', now);
    learnt.taken('a', after(100));
    learnt.taken('b', after(100));
    expect(learnt.leadMs).toBeCloseTo(100 + 0.2 * 100, 9);
  });

  test('a job without a result counts neither as ended nor as missed, and leaves its container free', () => {
    learnt.bound('a', 'c', 'w', now);
    learnt.ended('a', after(1_000), { createdAt: null, latencyMs: 6_000 });
    expect(observe()).toMatchObject({ ended: 0, missed: 0 });
    expect(sum(whileSomebodyWaits().frees)).toBe(0);
    learnt.ended('a', now, late());
    expect(observe().missed).toBe(0);
  });

  test('loads are a mean', () => {
    learnt.loaded(5_000);
    learnt.loaded(10_000);
    expect(learnt.loadMs).toBeCloseTo(6_000, 9);
  });
});

describe('when another prompt can be sent', () => {
  test('cannot be told before anything of its class is known, nor before the GPU took it', () => {
    learnt.bound('a', 'c', 'w', now);
    learnt.taken('a', after(400));
    expect(learnt.nextAt('a')).toBeNull();
    learnt.freed('a', after(3_500), { whole: true });
    learnt.ended('a', after(500), inTime());
    learnt.bound('b', 'c', 'w', now);
    learnt.bound('x', 'd', 'other', now);
    expect([learnt.nextAt('b'), learnt.nextAt('nobody')]).toEqual([null, null]);
    learnt.taken('x', now);
    expect(learnt.nextAt('x')).toBeNull();
  });

  test('is a lead before the end, where times do not vary', () => {
    for (let n = 0; n < 300; n++) run(`a${n}`);
    learnt.bound('b', 'c', 'w', now);
    learnt.taken('b', after(400));
    expect((learnt.nextAt('b') ?? 0) - now).toBeCloseTo(3_100, -2);
  });

  test('cannot be told where times vary by large factors', () => {
    for (let n = 0; n < 100; n++) run(`a${n}`, n % 2 === 0 ? 1_000 : 60_000);
    learnt.bound('b', 'c', 'w', now);
    learnt.taken('b', after(400));
    expect(learnt.nextAt('b')).toBeNull();
  });
});

describe('a job goes behind the others', () => {
  test('from when half of its class would be late, until ten times the latency after it came', () => {
    const { from, to } = learnt.behind({ createdAt: 100_000, workflow: 'w' }, 6_000)!;
    // Half of jobs of 3 s on the mean, as little as is known, are shorter than 2.65 s.
    expect([from, to]).toEqual([expect.closeTo(100_000 + 6_000 - 3_000 * Math.exp(-1 / 8), 6), 160_000]);
  });

  test('by its own class and by what jobs take outside the GPU', () => {
    for (let n = 0; n < 200; n++) {
      run(`s${n}`, 1_000, 'short');
      run(`l${n}`, 4_000, 'long');
    }
    const from = (workflow: string) => learnt.behind({ createdAt: 0, workflow }, 6_000)!.from;
    expect(from('short')).toBeCloseTo(6_000 - 1_900, 0);
    expect(from('long')).toBeCloseTo(6_000 - 4_900, 0);
  });
});

test('what came before a container for the very first job could be ready does not count', () => {
  learnt.arrived(after(1_000), 6_000);
  const first = now;
  const end = (createdAt: number): void => {
    learnt.bound('a', 'c', 'w', now);
    learnt.ended('a', after(100_000), { createdAt, latencyMs: 6_000 });
  };
  end(first);
  end(first + 19_999);
  expect(observe()).toMatchObject({ ended: 0, missed: 0 });
  end(first + 20_000);
  learnt.arrived(now, 6_000);
  end(first + 20_001);
  expect(observe()).toMatchObject({ ended: 2, missed: 2 });
});

describe('what a policy sees', () => {
  const step = 100;

  test('queued jobs by the step in which they must be bound; those that are late or came without a target are counted', () => {
    const queue = [queued('a', now + 1), queued('b', now + 3 * step), queued('c', now + 3 * step + 99), queued('d', now + 1e9)];
    // However late: one that is served in its turn again is still there.
    const { latestStarts, late } = observe([...queue, queued('e', now), queued('f', now - 100_000), queued('g', null)]);
    expect(latestStarts).toHaveLength(steps);
    expect([latestStarts[0], latestStarts[3], latestStarts[steps - 1], sum(latestStarts)]).toEqual([1, 2, 1, 4]);
    expect(late).toBe(3);
  });

  test('a container is busy until what is left of its prompts has passed, one after the other', () => {
    for (let n = 0; n < 400; n++) run(`a${n}`, 2_000);
    learnt.bound('b', 'c', 'w', now);
    learnt.taken('b', after(400));
    expect(busySteps()).toEqual([expect.closeTo(16, -0.5)]);
    after(1_000);
    expect(busySteps()).toEqual([expect.closeTo(6, -0.5)]);
    learnt.bound('c', 'c', 'w', now);
    expect(busySteps()).toEqual([expect.closeTo(26, -0.5)]);
    learnt.freed('b', after(1_000), { whole: true });
    expect(busySteps()).toEqual([expect.closeTo(16, -0.5)]);
    learnt.ended('c', now, { createdAt: null, latencyMs: 6_000 });
    expect(busySteps()).toEqual([]);
  });

  test('a start ends after as long as starts take; one that failed teaches nothing', () => {
    learnt.startBegan('x', now);
    learnt.startEnded('x', after(1_000), { ready: false });
    expect(observe().startSeconds).toBe(20);
    learnt.startBegan('y', now);
    learnt.startEnded('y', after(1_000), { ready: true });
    expect(observe().startSeconds).toBeCloseTo(0.8 * 20 + 0.2 * 1, 9);
    for (let n = 0; n < 100; n++) {
      learnt.startBegan('z', now);
      learnt.startEnded('z', after(3_050), { ready: true });
    }
    learnt.startBegan('z', now);
    after(1_000);
    expect(whileSomebodyWaits().frees.findIndex((count) => count > 0)).toBe(20);
    learnt.startEnded('nobody', now, { ready: true });
    expect(observe().startSeconds).toBeCloseTo(3.05, 3);
  });

  /** Of each busy container. */
  const busySteps = (): number[] => whileSomebodyWaits().frees.flatMap((count, at) => Array.from({ length: count }, () => at));
});

test('jobs that can wait for a start are no burst, and neither are those that cannot be in time', () => {
  const crowd = (latencyMs: number): readonly number[] => {
    learnt = new Observations(now, prior);
    for (let n = 0; n < 10; n++) learnt.arrived(now, latencyMs);
    return learnt.observe(now, { latencyMs, queue: [] }).bursts;
  };
  expect([crowd(60_000), crowd(2_000)]).toEqual([[], []]);
  // Ten at once that can wait for 3 s of 6 s: more than 6 jobs per 3 s service would take more than 4 containers.
  expect(crowd(6_000).length).toBeGreaterThanOrEqual(4);
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
