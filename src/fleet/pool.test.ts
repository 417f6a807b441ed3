import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { advance, startingContainer, type ContainerEvent } from './container.ts';
import { Pool } from './pool.ts';
import { defaultScaling, type ScalingSettings } from './scaling/settings.ts';

let clock: VirtualClock;
let pool: Pool;
/** Times at which the pool said that jobs can be bound. */
let opened: number[];
let begin: number;

beforeEach(() => poolFor({}));

function poolFor(scaling: Partial<ScalingSettings>, serviceSeconds = 3): void {
  clock = new VirtualClock();
  begin = clock.now();
  opened = [];
  const deployment = {
    name: 'collage',
    environment: 'production',
    workspace: 'local',
    default: true,
    revision: 'r',
    scaling: { ...defaultScaling, policy: 'slo' as const, ...scaling },
    executionTimeoutMs: 0,
    problems: [],
    createdAt: 0,
    updatedAt: 0,
  };
  pool = new Pool(deployment, { clock, onOpen: () => opened.push(clock.now() - begin), prior: { serviceSeconds, startSeconds: 20 } });
}

const slot = { host: 'h', device: 'gpu0', gpu: 'A10G', share: 1 };
const place = { workspace: 'local', environment: 'production', deployment: 'collage', revision: 'r', runtime: 'emulated', epoch: 1 };

function start(id: string): void {
  pool.put(startingContainer({ ...slot, ...place, id, startReason: '', usdPerHour: null }, clock.now()));
}

function happens(id: string, event: ContainerEvent): void {
  pool.put(advance(pool.containers.get(id)!, event));
}

function ready(id: string): void {
  happens(id, { type: 'ready', at: clock.now(), endpoint: { url: '' } });
  pool.dispatcher.addContainer({ id, maxInputs: 1, inFlight: 0, modelKey: '', at: clock.now() });
}

const queue = (id: string, workflow = 'w', isNew = true): void =>
  pool.queueJob({ id, priority: 0, number: 0, key: null, modelKey: '', createdAt: clock.now() }, workflow, { isNew });

/** The next job goes to a container, if there is a place; its id. */
function bind(): string | undefined {
  const next = pool.next();
  if (!next) return undefined;
  happens(next.container, { type: 'job_started', at: clock.now(), modelKey: '' });
  pool.promptBound(next.job.id, next.container, 'w');
  return next.job.id;
}

function end(job: string, container: string, createdAt: number | null): void {
  pool.promptEnded(job, container, createdAt);
  happens(container, { type: 'job_ended', at: clock.now(), done: true });
}

const summary = () => pool.summary(clock.now(), { due: false, lateAfterMs: null, affordable: null, price: null });

describe('jobs in flight over time', () => {
  test('are summed exactly between two looks', async () => {
    start('c');
    ready('c');
    const before = summary().inFlightMs;
    queue('a');
    pool.accrue(clock.now());
    await clock.runFor(1_000);
    queue('b');
    pool.accrue(clock.now());
    await clock.runFor(500);
    bind();
    pool.accrue(clock.now());
    await clock.runFor(250);
    expect(summary().inFlightMs - before).toBe(1_000 * 1 + 750 * 2);
    end('a', 'c', begin);
    pool.accrue(clock.now());
    await clock.runFor(100);
    expect(summary().inFlightMs - before).toBe(1_000 * 1 + 750 * 2 + 100 * 1);
  });

  test('whenever they come and go, and however often somebody looks', async () => {
    const happening = fc.tuple(fc.constantFrom('come', 'go', 'look'), fc.nat(5_000));
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (list) => {
        poolFor({});
        let [expected, count, next] = [0, 0, 0];
        for (const [what, ms] of list) {
          if (what === 'come') queue(String(next++).padStart(3, '0'));
          else if (what === 'go') pool.dispatcher.queue.take(1);
          else expect(summary().inFlightMs).toBe(expected);
          count = pool.dispatcher.queue.size;
          pool.accrue(clock.now());
          await clock.runFor(ms);
          expected += count * ms;
        }
        expect(summary().inFlightMs).toBe(expected);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a queued job', () => {
  test('goes behind the others once half of its like would be late, for a policy that aims at the target', async () => {
    queue('a');
    await clock.runFor(3_300);
    expect(summary().observed).toMatchObject({ late: 0 });
    await clock.runFor(100);
    queue('b');
    expect(summary().observed).toMatchObject({ late: 1 });
    expect(pool.dispatcher.queue.peek()?.id).toBe('b');
    await clock.runFor(56_600);
    expect(summary().observed).toMatchObject({ late: 2 });
    expect(pool.dispatcher.queue.peek()?.id).toBe('a');
  });

  test('keeps its place for any other policy, which sees nothing of what is learnt', async () => {
    poolFor({ policy: 'per-input' });
    queue('a');
    await clock.runFor(30_000);
    queue('b');
    expect(summary().observed).toBeNull();
    expect([pool.dispatcher.queue.behind, pool.dispatcher.queue.peek()?.id]).toEqual([0, 'a']);
  });

  test('that comes back is no arrival', () => {
    queue('a', 'w', false);
    expect(summary().observed?.rate).toBe(0);
    queue('b');
    expect(summary().observed?.rate).toBeGreaterThan(0);
  });
});

describe('what happens to a prompt', () => {
  beforeEach(() => {
    start('c');
    ready('c');
  });

  /** 400 ms until the GPU, so long on it, 500 ms after it. */
  async function run(id: string, gpuMs = 3_500, createdAt: number | null = clock.now()): Promise<void> {
    queue(id);
    expect(bind()).toBe(id);
    await clock.runFor(400);
    pool.promptTaken(id);
    await clock.runFor(gpuMs);
    pool.promptFreed(id, { whole: true });
    await clock.runFor(500);
    end(id, 'c', createdAt);
  }

  /** The first one, and as long as a start takes: from then on they count. */
  async function runFirst(): Promise<void> {
    await run('first');
    await clock.runFor(20_000);
  }

  test('is learnt from', async () => {
    await runFirst();
    await run('a');
    expect(pool.observations.leadMs).toBe(400);
    expect(pool.observations.serviceSeconds).toBeGreaterThan(3);
    expect(summary().observed).toMatchObject({ ended: 1, missed: 0 });
  });

  test('counts as missed if it took longer than the target, and not at all without a result', async () => {
    await runFirst();
    await run('a', 5_101);
    expect(summary().observed).toMatchObject({ ended: 1, missed: 1 });
    await run('b', 5_100);
    expect(summary().observed).toMatchObject({ ended: 2, missed: 1 });
    await run('c', 60_000, null);
    expect(summary().observed).toMatchObject({ ended: 2, missed: 1 });
  });

  test('lets the next one come when it frees the GPU, as long as little is known', async () => {
    queue('a');
    queue('b');
    expect([bind(), bind()]).toEqual(['a', undefined]);
    await clock.runFor(400);
    pool.promptTaken('a');
    await clock.runFor(2_000);
    expect(opened).toEqual([]);
    pool.promptFreed('a', { whole: true });
    expect(opened).toEqual([2_400]);
    expect(bind()).toBe('b');
  });

  test('lets it come before that once it is known for how long they take', async () => {
    for (let n = 0; n < 40; n++) await run(`a${n}`);
    queue('b');
    bind();
    await clock.runFor(400);
    begin = clock.now();
    opened = [];
    pool.promptTaken('b');
    await clock.runFor(10_000);
    expect(opened).toHaveLength(1);
    // A lead before the end: nearly 3.1 s, as some doubt about the times is left.
    expect(opened[0]).toBeGreaterThan(3_000);
    expect(opened[0]).toBeLessThan(3_250);
  });

  test.each<[string, Partial<ScalingSettings>]>([
    ['another policy', { policy: 'per-input' }],
    ['several prompts at once', { maxInputs: 2 }],
  ])('lets nobody come before it ends with %s', async (_, scaling) => {
    poolFor(scaling);
    start('c');
    ready('c');
    queue('a');
    bind();
    pool.promptTaken('a');
    await clock.runFor(2_000);
    pool.promptFreed('a', { whole: true });
    expect(opened).toEqual([]);
  });

  test('leaves the container free for the next one', async () => {
    await run('a');
    await run('b');
    expect(pool.counts()).toEqual({ queued: 0, running: 0, starting: 0, busy: 0, idle: 1 });
  });

  test('leaves no timer when the pool is closed', async () => {
    await run('a');
    queue('b');
    bind();
    pool.promptTaken('b');
    opened = [];
    pool.close();
    await clock.runFor(60_000);
    expect(opened).toEqual([]);
  });
});

describe('starts', () => {
  const startSeconds = (): number | undefined => summary().observed?.startSeconds;

  /** Starts that a decision sees, which looks for them while somebody waits. */
  function startsAhead(): number | undefined {
    queue(`waits-${clock.now()}`);
    return summary().observed?.frees.reduce((sum, one) => sum + one, 0);
  }

  test('teach how long they take', async () => {
    start('c');
    expect(startsAhead()).toBe(1);
    await clock.runFor(10_000);
    ready('c');
    expect(startSeconds()).toBeCloseTo(0.8 * 20 + 0.2 * 10, 9);
    expect(startsAhead()).toBe(0);
  });

  test.each<[string, () => void]>([
    ['fails', () => happens('c', { type: 'failed', at: clock.now(), code: 'x', message: '' })],
    ['is taken away', () => pool.remove('c')],
  ])('teach nothing where one %s, and it is forgotten', async (_, stop) => {
    start('c');
    await clock.runFor(10_000);
    stop();
    expect(startSeconds()).toBe(20);
    expect(startsAhead()).toBe(0);
  });
});

test('a job that waits for a busy container with its models is looked at again in time, unless the pool is closed', async () => {
  poolFor({ policy: 'per-input' }, 10);
  pool.observations.loaded(20_000);
  for (const [id, modelKey] of [
    ['warm', 'a'],
    ['cold', 'b'],
  ] as const) {
    pool.dispatcher.addContainer({ id, maxInputs: 1, inFlight: 0, modelKey, at: 0 });
  }
  for (const id of ['1', '2'])
    pool.dispatcher.queue.add({ id, priority: 0, number: 0, key: null, modelKey: 'a', createdAt: begin, behind: null });
  expect([pool.next()?.container, pool.next()]).toEqual(['warm', undefined]);
  await clock.runFor(29_999);
  expect(opened).toEqual([]);
  await clock.runFor(1);
  // 10 s until it should be free, and as long again as a load takes.
  expect(opened).toEqual([30_000]);
  expect(pool.next()?.container).toBe('cold');
  await clock.runFor(100_000);
  expect(opened).toEqual([30_000]);

  pool.dispatcher.jobEnded('cold', clock.now());
  pool.dispatcher.queue.add({ id: '3', priority: 0, number: 0, key: null, modelKey: 'b', createdAt: clock.now(), behind: null });
  pool.next();
  pool.dispatcher.jobEnded('warm', clock.now());
  pool.dispatcher.queue.add({ id: '4', priority: 0, number: 0, key: null, modelKey: 'b', createdAt: clock.now(), behind: null });
  expect(pool.next()).toBeUndefined();
  pool.close();
  await clock.runFor(100_000);
  expect(opened).toEqual([30_000]);
});
