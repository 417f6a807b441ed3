import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { containerOf, deploymentOf, resultOf, started, submitted, t0 } from '../../test/contract/store-samples.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { LearntTimes } from '../fleet/learning/observations.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { replay } from './replay.ts';
import type { ReplayTask, Replayer } from './replayer.ts';
import { Shadow, type ShadowDependencies } from './shadow.ts';

const minute = 60_000;
const hour = 60 * minute;
const of = { name: 'collage', environment: 'production' };

let clock: VirtualClock;
let store: Store;
let tasks: ReplayTask[];
let logged: Record<string, unknown>[];
let learnt: LearntTimes;
let deployments: Deployment[];

beforeEach(() => {
  clock = new VirtualClock(t0);
  store = createMemoryStore();
  tasks = [];
  logged = [];
  learnt = { startMs: 15_540, leadMs: 104, loadMs: null, afterMs: 407 };
  deployments = [deploymentOf('collage')];
});

/** What the thread does, in this one, without the bound. */
const replayHere: Replayer = (task) => {
  tasks.push(task);
  const bound = task.known ?? { hash: 'h', gpuSeconds: 50 };
  return Promise.resolve({ runs: replay(task.input), possible: { share: 1, latencyMs: 3_000 }, bound, boundNote: null });
};

function open(change: Partial<ShadowDependencies> = {}): Shadow {
  return new Shadow({
    store,
    clock,
    log: pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) }),
    deployments: () => deployments,
    learnt: () => learnt,
    slots: 10,
    pseudonym: () => Promise.resolve((key) => key && `user of ${key}`),
    replay: replayHere,
    settings: { everyMs: 5 * minute, windowMs: 24 * hour },
    firstMs: 5 * minute,
    ...change,
  });
}

/** Jobs that came one each second from `from` on and took `tookMs` from accepted to finished. */
async function jobs(count: number, from: number, tookMs: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const at = from + n * 1_000;
    const id = `job-${at}`;
    await submitted(store, id, { key: 'key-1' }, at);
    const { token } = await started(store, id, 'c', at);
    await store.finishAttempt(resultOf(id, token, { at: at + tookMs, outputs: [], gpuMs: 3_000 }));
  }
}

describe('a round', () => {
  test('replays what came, with what the fleet has learnt, and tells what was measured beside it', async () => {
    await jobs(30, t0, 4_000);
    await jobs(10, t0 + minute, 7_000);
    await submitted(store, 'waits', {}, t0 + 2 * minute);
    await submitted(store, 'came just now', {}, t0 + 5 * minute - 1);
    await store.saveContainer(containerOf('c', { usdPerHour: 3.6, share: 0.5 }));
    await store.saveContainer(containerOf('staging', { environment: 'staging', usdPerHour: 99, startedAt: t0 + 1 }));
    const shadow = open();
    shadow.start();
    expect(shadow.view(of)).toMatchObject({
      state: 'waiting',
      note: 'there was no replay yet',
      next_at: new Date(t0 + 5 * minute).toISOString(),
    });
    await clock.runFor(5 * minute);
    const { input } = tasks[0] as ReplayTask;
    expect(tasks).toHaveLength(1);
    expect(input).toMatchObject({
      usdPerHour: 1.8,
      horizonMs: 5 * minute,
      slots: 10,
      timing: { startMs: 15_500, beforeMs: 100, afterMs: 410, loadMs: 0 },
    });
    expect(input.jobs).toHaveLength(42);
    expect(input.jobs[0]).toMatchObject({ arrivalMs: 0, serviceMs: 3_000, user: 'user of key-1', model: 'sd15' });
    const { state, note, result } = shadow.view(of);
    expect([state, note]).toEqual(['ready', null]);
    // 30 in time, 10 late, one that waits for too long already; the last one may still be in time.
    expect(result?.measured).toEqual({ jobs: 41, attainment: 30 / 41, gpu_seconds: 300, usd_per_hour: 1.8 });
    expect(result).toMatchObject({
      price_usd_per_hour: 1.8,
      window: { from: new Date(t0).toISOString(), jobs: 42 },
      slo: { p: 0.95, latency_s: 6 },
    });
    const [now] = result?.runs ?? [];
    expect(now).toMatchObject({ name: 'now', usd_per_hour: ((now?.gpu_seconds ?? 0) / 300) * 1.8 });
    expect(result?.bound).toEqual({ gpu_seconds: 50, usd_per_hour: (50 / 300) * 1.8, ratio: (now?.gpu_seconds ?? 0) / 50 });
    expect(result?.sentence).toMatch(/\(simulated on the last 5 min\)\.$/);
    expect([...shadow.results()].map(({ deployment }) => deployment)).toEqual(['collage']);
    await shadow.stop();
  });

  test('comes again, looks back no further than the window, and hands on the bound', async () => {
    await jobs(30, t0, 4_000);
    const shadow = open({ settings: { everyMs: 5 * minute, windowMs: 8 * minute } });
    shadow.start();
    await clock.runFor(5 * minute);
    await jobs(25, t0 + 6 * minute, 4_000);
    await clock.runFor(5 * minute);
    expect(tasks.map(({ known, input }) => [known?.hash, input.jobs.length, input.horizonMs])).toEqual([
      [undefined, 30, 5 * minute],
      ['h', 25, 8 * minute],
    ]);
    await shadow.stop();
    await clock.runFor(hour);
    expect(tasks).toHaveLength(2);
  });

  test('one deployment after the other; one that is gone is forgotten', async () => {
    await jobs(30, t0, 4_000);
    for (let n = 0; n < 20; n++) await submitted(store, `other-${n}`, { deployment: 'other' }, t0 + n);
    deployments = [deploymentOf('collage'), deploymentOf('other')];
    let atOnce = 0;
    let most = 0;
    const shadow = open({
      replay: async (task, signal) => {
        most = Math.max(most, ++atOnce);
        const replayed = await replayHere(task, signal);
        atOnce--;
        return replayed;
      },
    });
    shadow.start();
    await clock.runFor(5 * minute);
    await expect.poll(() => tasks.length).toBe(2);
    expect(most).toBe(1);
    deployments = deployments.slice(1);
    expect([...shadow.results()].map(({ deployment }) => deployment)).toEqual(['other']);
    await shadow.stop();
  });
});

test('the first round comes soon after a start, the others at their times', async () => {
  await jobs(30, t0 - minute, 4_000);
  const shadow = open({ firstMs: 10_000, deployments: () => [deploymentOf('collage', { createdAt: t0 - hour })] });
  shadow.start();
  expect(shadow.view(of).next_at).toBe(new Date(t0 + 10_000).toISOString());
  await clock.runFor(10_000);
  expect(shadow.view(of)).toMatchObject({ state: 'ready', next_at: new Date(t0 + 10_000 + 5 * minute).toISOString() });
  await shadow.stop();
  // Where rounds are closer than that, it is one of them.
  const often = open({ firstMs: 10_000, settings: { everyMs: 2_000, windowMs: hour } });
  often.start();
  expect(often.view(of).next_at).toBe(new Date(clock.now() + 2_000).toISOString());
  await often.stop();
});

describe('no result', () => {
  test('too few jobs: how many there are', async () => {
    await jobs(19, t0, 4_000);
    const shadow = open();
    shadow.start();
    await clock.runFor(5 * minute);
    expect(shadow.view(of)).toMatchObject({ state: 'waiting', note: '19 jobs came lately, and a replay needs at least 20', result: null });
    expect(shadow.view(of).next_at).toBe(new Date(t0 + 10 * minute).toISOString());
    expect(tasks).toEqual([]);
    deployments = [deploymentOf('other')];
    await submitted(store, 'only one', { deployment: 'other' }, clock.now() + 1);
    await clock.runFor(5 * minute);
    expect(shadow.view({ ...of, name: 'other' }).note).toBe('1 job came lately, and a replay needs at least 20');
    await shadow.stop();
  });

  test('nothing is known of starts, unless an earlier gateway saw some', async () => {
    await jobs(20, t0, 4_000);
    learnt = { ...learnt, startMs: null };
    const shadow = open();
    shadow.start();
    await clock.runFor(5 * minute);
    expect(shadow.view(of)).toMatchObject({ state: 'waiting', note: expect.stringContaining('nothing is known of starts') as string });
    for (const [id, ms] of [
      ['a', 9_000],
      ['b', 12_000],
      ['c', 90_000],
    ] as const)
      await store.saveContainer(containerOf(id, { startedAt: t0, readyAt: t0 + ms }));
    await clock.runFor(5 * minute);
    expect([shadow.view(of).state, tasks[0]?.input.timing.startMs]).toEqual(['ready', 12_000]);
    await shadow.stop();
  });

  test('a replay that fails is logged and said, the last result stays, and the next one is tried', async () => {
    await jobs(20, t0, 4_000);
    let fails = false;
    const shadow = open({
      replay: (task, signal) => (fails ? Promise.reject(new Error('its thread ended with code 3')) : replayHere(task, signal)),
    });
    shadow.start();
    await clock.runFor(5 * minute);
    const { result } = shadow.view(of);
    fails = true;
    await clock.runFor(5 * minute);
    expect(shadow.view(of)).toMatchObject({ state: 'failed', note: 'the last replay came to nothing: its thread ended with code 3' });
    expect([result === null, shadow.view(of).result]).toEqual([false, result]);
    expect(logged).toMatchObject([{ event: 'shadow_failed', deployment: 'collage' }]);
    fails = false;
    await clock.runFor(5 * minute);
    expect(shadow.view(of).state).toBe('ready');
    await shadow.stop();
  });

  test('switched off', async () => {
    await jobs(20, t0, 4_000);
    const shadow = open({ settings: { everyMs: null, windowMs: hour } });
    shadow.start();
    await clock.runFor(hour);
    expect(shadow.view(of)).toMatchObject({ state: 'off', note: 'shadow.every is off in the configuration', next_at: null, result: null });
    expect(tasks).toEqual([]);
    await shadow.stop();
  });

  test('stopping waits until the replay under way has ended, and is no failure', async () => {
    await jobs(20, t0, 4_000);
    const shadow = open({
      replay: (task, signal) =>
        new Promise((_, reject) => {
          tasks.push(task);
          signal.addEventListener('abort', () => reject(new Error('it was stopped')));
        }),
    });
    shadow.start();
    await clock.runFor(5 * minute);
    expect([tasks.length, shadow.view(of).next_at]).toEqual([1, null]);
    await shadow.stop();
    expect(logged).toEqual([]);
  });
});
