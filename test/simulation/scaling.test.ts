import { describe, expect, test } from 'vitest';
import { Simulation } from './harness.ts';

const second = 1_000;

test('one job starts one container, which goes after its scaledown window', async () => {
  const sim = new Simulation();
  await sim.boot();
  await sim.submit();
  expect(sim.states()).toEqual({ starting: 1 });
  await sim.clock.runFor(15.5 * second);
  expect(sim.states()).toEqual({ busy: 1 });
  await sim.clock.runFor(3.5 * second);
  expect(sim.ended).toMatchObject([{ state: 'succeeded', timing: { cold: 15_500, run: 3_500, queue: 0 } }]);
  expect(sim.states()).toEqual({ ready: 1 });
  await sim.clock.runFor(59.8 * second);
  expect(sim.states()).toEqual({ ready: 1 });
  await sim.clock.runFor(0.4 * second);
  expect(sim.states()).toEqual({});
});

test('ten jobs start ten containers, within the GPU limit and the slots', async () => {
  for (const [settings, containers] of [
    [{}, 10],
    [{ gpuLimit: 4 }, 4],
    [{ slots: 3 }, 3],
  ] as const) {
    const sim = new Simulation(settings);
    await sim.boot();
    for (let n = 0; n < 10; n++) await sim.submit();
    await sim.clock.runFor(200 * second);
    expect(sim.ended.filter((job) => job.state === 'succeeded')).toHaveLength(10);
    expect(sim.fleet.peak).toBe(containers);
  }
});

test('max_inputs 10 queues ten prompts in one container', async () => {
  const sim = new Simulation({ deployments: { collage: { maxInputs: 10, targetInputs: 10 } } });
  await sim.boot();
  for (let n = 0; n < 10; n++) await sim.submit();
  await sim.clock.runFor(60 * second);
  expect(sim.fleet.peak).toBe(1);
  expect(sim.ended).toHaveLength(10);
});

test('min_containers are started with the gateway and stay', async () => {
  const sim = new Simulation({ deployments: { collage: { minContainers: 5 } } });
  await sim.boot();
  await sim.clock.runFor(600 * second);
  expect(sim.states()).toEqual({ ready: 5 });
  const job = await sim.submit();
  await sim.clock.runFor(4 * second);
  expect(sim.ended).toMatchObject([{ id: job.id, timing: { cold: 0, run: 3_500 } }]);
});

test('a buffer is held while there is traffic, and only then', async () => {
  const sim = new Simulation({ deployments: { collage: { bufferContainers: 2 } } });
  await sim.boot();
  expect(sim.states()).toEqual({});
  await sim.submit();
  expect(sim.states()).toEqual({ starting: 3 });
  await sim.clock.runFor(90 * second);
  expect(sim.states()).toEqual({});
});

test('lowering max_containers stops idle ones at once and never kills a busy one', async () => {
  const sim = new Simulation({ deployments: { collage: { minContainers: 2 } } });
  await sim.boot();
  for (let n = 0; n < 4; n++) await sim.submit();
  await sim.clock.runFor(16 * second);
  expect(sim.states()).toEqual({ busy: 4 });
  sim.scale('collage', { minContainers: 0, maxContainers: 1 });
  await sim.clock.runFor(0.2 * second);
  expect(sim.states()).toEqual({ busy: 1, draining: 3 });
  await sim.clock.runFor(4 * second);
  expect(sim.ended.map((job) => job.state)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
  expect(sim.states()).toEqual({ ready: 1 });
});

test('a slot is given over when another deployment needs it, also by a busy deployment in its turn', async () => {
  const sim = new Simulation({ slots: 1, deployments: { collage: {}, portrait: {} } });
  await sim.boot();
  for (let n = 0; n < 3; n++) await sim.submit();
  await sim.clock.runFor(16 * second);
  await sim.submit({ deployment: 'portrait' });
  await sim.submit();
  await sim.clock.runFor(120 * second);
  const order = sim.ended.map((job) => job.deployment);
  expect(order).toEqual(['collage', 'collage', 'collage', 'portrait', 'collage']);
});

test('failed starts are tried again with growing pauses, and the queue says why it waits', async () => {
  const sim = new Simulation();
  sim.fleet.failNextStarts = 3;
  await sim.boot();
  const job = await sim.submit();
  await sim.clock.runFor(15.6 * second);
  expect(sim.controller.poolOfQueued(job)).toMatchObject({ heldBy: 'start_failures', failedStarts: 1 });
  await sim.clock.runFor(100 * second);
  expect(sim.ended).toMatchObject([{ id: job.id, state: 'succeeded' }]);
  const starts = (await sim.store.containers({ limit: 10 })).map((container) => container.startedAt).sort((a, b) => a - b);
  const pauses = starts.slice(1).map((at, n) => at - starts[n]! - 15_500);
  expect(pauses.map((ms) => Math.round(ms / 1000))).toEqual([1, 2, 4]);
});

test('when the runtime says that what made starts fail is gone, they are tried again without the rest of the pause', async () => {
  const sim = new Simulation();
  sim.fleet.failNextStarts = 100;
  await sim.boot();
  const job = await sim.submit();
  // Six starts of 15.5 s, and pauses of 1, 2, 4, 8 and 16 s; the next one is 32 s.
  await sim.clock.runFor(125 * second);
  expect(sim.states()).toEqual({});
  expect(sim.controller.poolOfQueued(job)).toMatchObject({ heldBy: 'start_failures', failedStarts: 6 });
  sim.fleet.recover();
  await sim.clock.runFor(0.2 * second);
  expect(sim.states()).toEqual({ starting: 1 });
  await sim.clock.runFor(25 * second);
  expect(sim.ended).toMatchObject([{ id: job.id, state: 'succeeded' }]);
});

test('every decision is kept with what went into it and why', async () => {
  const sim = new Simulation({ gpuLimit: 1 });
  await sim.boot();
  await sim.submit();
  await sim.submit();
  await sim.clock.runFor(1 * second);
  const decisions = await sim.store.decisions({ limit: 10 });
  expect(decisions.map((decision) => decision.reason)).toContain('2 in flight want 2; held by gpu_limit');
});

test('starts that fail together pause the next try once, not once each', async () => {
  const sim = new Simulation();
  sim.fleet.failNextStarts = 10;
  await sim.boot();
  for (let n = 0; n < 10; n++) await sim.submit();
  await sim.clock.runFor(18 * second);
  expect(sim.states()).toEqual({ starting: 10 });
});

test('starts that their supervisor has taken along are tried again without a pause, and count for nothing', async () => {
  const sim = new Simulation();
  sim.fleet.loseNextStarts = 6;
  await sim.boot();
  const job = await sim.submit();
  await sim.clock.runFor(1 * second);
  expect(sim.states()).toEqual({ starting: 1 });
  expect(sim.controller.poolOfQueued(job)).toMatchObject({ failedStarts: 0, heldBy: null });
  const lost = (await sim.store.containers({ limit: 10 })).filter(({ state }) => state === 'failed');
  expect(lost.map(({ failure }) => failure?.code)).toEqual(lost.map(() => 'crashed'));
  expect(lost).toHaveLength(6);
});

test('a gateway that ends does not wait for ever for a container that cannot be stopped', async () => {
  const sim = new Simulation({ deployments: { collage: { minContainers: 2 } } });
  await sim.boot();
  await sim.clock.runFor(17 * second);
  sim.fleet.stopsHang = true;
  const began = sim.clock.now();
  const ended = sim.controller.stopContainers('the gateway was stopped').then(() => sim.clock.now() - began);
  await sim.clock.runFor(60 * second);
  expect(await ended).toBe(30 * second);
});

// Ten jobs of 3.5 s at once, starts of 15.5 s: how many containers a policy has at most, and how many 200 s later.
test.each([
  // From the tick of 16 s on, the first with a ready container, it wishes for more; at 46 s the mean of 30 s is 5.9 in flight, two per container.
  ['ongoing', 3, 3],
  ['flash', 10, 10],
  ['request-count', 10, 0],
  ['queue-delay', 10, 0],
] as const)('%s drives the fleet: %i containers at most, %i in the end', async (policy, peak, inTheEnd) => {
  const sim = new Simulation({ deployments: { collage: { policy, policySettings: {} } } });
  await sim.boot();
  for (let n = 0; n < 10; n++) await sim.submit();
  await sim.clock.runFor(200 * second);
  expect(sim.ended.filter((job) => job.state === 'succeeded')).toHaveLength(10);
  expect(sim.fleet.peak).toBe(peak);
  expect(sim.states()).toEqual(inTheEnd === 0 ? {} : { ready: inTheEnd });
});

describe('policy slo', () => {
  const slo = { p: 0.95, latencyMs: 6_000, windowMs: 300_000 };

  test('keeps containers for steady traffic, with no setting but the target, and remembers over a restart what it corrected', async () => {
    const sim = new Simulation({ deployments: { collage: { policy: 'slo', slo } } });
    await sim.boot();
    const traffic = async (seconds: number): Promise<void> => {
      for (let n = 0; n < seconds; n++) {
        await sim.submit();
        await sim.clock.runFor(second);
      }
    };
    await traffic(300);
    const late = sim.ended.slice(100).filter(({ createdAt, finishedAt }) => finishedAt! - createdAt > slo.latencyMs).length;
    expect(late / (sim.ended.length - 100)).toBeLessThan(0.05);
    const memory = sim.controller.pools.get('collage@production')!.memory as { correction: number };
    expect(memory.correction).not.toBe(0);
    sim.kill();
    await sim.boot();
    expect((sim.controller.pools.get('collage@production')!.memory as { correction: number }).correction).toBeCloseTo(memory.correction, 0);
    await traffic(60);
    await sim.clock.runFor(60 * second);
    expect(sim.ended).toHaveLength(360);
  });

  test('without traffic nothing runs', async () => {
    const sim = new Simulation({ deployments: { collage: { policy: 'slo', slo } } });
    await sim.boot();
    await sim.submit();
    await sim.clock.runFor(20 * 60 * second);
    expect(sim.ended).toHaveLength(1);
    expect(sim.states()).toEqual({});
  });
});
