import { expect, test } from 'vitest';
import { Simulation } from './harness.ts';

const second = 1_000;

const eventsOf = async (sim: Simulation, job: string): Promise<string[]> =>
  (await sim.store.jobEvents({ job, after: 0 })).map((event) => event.type);

test('a lost container: the job is tried again and the container replaced', async () => {
  const sim = new Simulation();
  await sim.boot();
  const job = await sim.submit();
  await sim.clock.runFor(17 * second);
  sim.fleet.crash([...sim.fleet.servers.keys()][0]!);
  await sim.clock.runFor(30 * second);
  expect(sim.ended).toMatchObject([{ id: job.id, state: 'succeeded', attempts: 2, lostContainers: 1 }]);
  expect(await eventsOf(sim, job.id)).toEqual(['queued', 'started', 'requeued', 'started', 'succeeded']);
  const { queue, cold, run, store } = sim.ended[0]!.timing!;
  expect(queue + cold + run + store).toBe(sim.ended[0]!.finishedAt! - job.createdAt);
  expect(run).toBe(1_500 + 3_500);
});

test.each([
  ['what the runtime says of a lost container within moments stands, not what its jobs saw', 1 * second, 'crashed', 'it was told to crash'],
  ['without a word of the runtime, what its jobs saw stands, and the container is ended', 60 * second, 'container_lost', 'read ECONNRESET'],
])('%s', async (_, lastWordMs, code, message) => {
  const sim = new Simulation({ slots: 1, deployments: { collage: { maxInputs: 2, targetInputs: 2 } } });
  sim.fleet.lastWordMs = lastWordMs;
  await sim.boot();
  for (let n = 0; n < 2; n++) await sim.submit();
  await sim.clock.runFor(17 * second);
  const id = [...sim.fleet.servers.keys()][0]!;
  sim.fleet.crash(id);
  await sim.clock.runFor(30 * second);
  expect(sim.ended).toMatchObject([1, 2].map(() => ({ state: 'succeeded', attempts: 2, lostContainers: 1 })));
  const container = (await sim.store.containers({ limit: 10 })).find((one) => one.id === id);
  expect(container).toMatchObject({ state: 'failed', failure: { code, message }, stopReason: message });
});

test('when the supervisor takes every container with it, jobs wait and lose no attempt on those that are gone', async () => {
  const sim = new Simulation({ deployments: { collage: { minContainers: 6 } } });
  await sim.boot();
  await sim.clock.runFor(20 * second);
  expect(sim.fleet.servers.size).toBe(6);
  sim.fleet.loseSupervisor(second);
  const jobs = await Promise.all([sim.submit(), sim.submit()]);
  await sim.clock.runFor(60 * second);
  expect(sim.ended.map(({ id, state, attempts }) => ({ id, state, attempts }))).toEqual(
    jobs.map(({ id }) => ({ id, state: 'succeeded', attempts: 1 })),
  );
});

test('a job that loses three containers stops', async () => {
  const sim = new Simulation();
  await sim.boot();
  const job = await sim.submit();
  for (let n = 0; n < 3; n++) {
    await sim.clock.runFor(17 * second);
    sim.fleet.crash([...sim.fleet.servers.keys()][0]!);
  }
  await sim.clock.runFor(60 * second);
  expect(sim.ended).toMatchObject([{ id: job.id, state: 'failed', error: { code: 'containers_lost' }, attempts: 3 }]);
});

test('cancel while queued, while a container starts for it, and while it runs', async () => {
  const sim = new Simulation({ deployments: { collage: { maxContainers: 1 } } });
  await sim.boot();
  const running = await sim.submit();
  const queued = await sim.submit();
  expect((await sim.jobs.cancel(queued.id)).state).toBe('canceled');
  await sim.clock.runFor(17 * second);
  expect((await sim.jobs.cancel(running.id)).cancelRequested).toBe(true);
  await sim.clock.runFor(1 * second);
  expect(sim.ended.map(({ id, state }) => [id, state])).toEqual([
    [queued.id, 'canceled'],
    [running.id, 'canceled'],
  ]);
  expect(sim.states()).toEqual({ ready: 1 });
  await expect(sim.jobs.cancel(running.id)).rejects.toMatchObject({ code: 'job_finished' });
});

test('a deadline ends a waiting job and a running one as expired', async () => {
  const sim = new Simulation();
  await sim.boot();
  const waiting = await sim.submit({ deadlineAt: sim.clock.now() + 5 * second });
  const running = await sim.submit({ deadlineAt: sim.clock.now() + 17 * second });
  await sim.clock.runFor(18 * second);
  expect(sim.ended.map(({ id, state }) => [id, state])).toEqual([
    [waiting.id, 'expired'],
    [running.id, 'expired'],
  ]);
});

test('an execution timeout fails the job with code timeout and keeps the container', async () => {
  const sim = new Simulation();
  await sim.boot();
  await sim.submit({ executionTimeoutMs: 2 * second });
  await sim.clock.runFor(18 * second);
  expect(sim.ended).toMatchObject([{ state: 'failed', error: { code: 'timeout' } }]);
  expect(sim.states()).toEqual({ ready: 1 });
});

test('an Idempotency-Key: the same body is the same job, another body is refused', async () => {
  const sim = new Simulation();
  await sim.boot();
  const idempotency = { key: 'k', bodyHash: 'h' };
  const first = await sim.submit({ idempotency });
  expect((await sim.submit({ idempotency })).id).toBe(first.id);
  await expect(sim.submit({ idempotency: { key: 'k', bodyHash: 'other' } })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  await sim.clock.runFor(30 * second);
  expect(sim.ended).toHaveLength(1);
  expect(sim.fleet.prompts).toHaveLength(1);
});

test('whoever waits is woken by the end, by the time limit, and by a shutdown', async () => {
  const sim = new Simulation();
  await sim.boot();
  const job = await sim.submit();
  const short = sim.jobs.wait(job.id, { timeoutMs: 1 * second });
  const long = sim.jobs.wait(job.id, { timeoutMs: 60 * second });
  await sim.clock.runFor(30 * second);
  expect(await short).toBeNull();
  expect(await long).toMatchObject({ id: job.id, state: 'succeeded' });
  expect(await sim.jobs.wait(job.id, { timeoutMs: 0 })).toMatchObject({ state: 'succeeded' });
  const other = sim.jobs.wait((await sim.submit()).id, { timeoutMs: 600 * second });
  sim.jobs.drain();
  expect(await other).toBeNull();
  await expect(sim.submit()).rejects.toMatchObject({ code: 'draining' });
});

test('the gateway dies and returns: running prompts go on where they are, without a count against them', async () => {
  const sim = new Simulation({ deployments: { collage: { maxContainers: 2 } } });
  await sim.boot();
  for (let n = 0; n < 5; n++) await sim.submit();
  await sim.clock.runFor(17 * second);
  expect(sim.states()).toEqual({ busy: 2 });
  sim.kill();
  await sim.boot();
  await sim.clock.runFor(60 * second);
  const jobs = (await sim.store.jobs({ limit: 10 })).items;
  expect(jobs.map((job) => [job.state, job.attempts, job.lostContainers])).toEqual(Array.from({ length: 5 }, () => ['succeeded', 1, 0]));
  expect(sim.fleet.prompts).toHaveLength(5);
  expect(sim.fleet.peak).toBe(2);
});

test('containers that drained when the gateway died drain on: their jobs finish there, and those without one go', async () => {
  const sim = new Simulation({ slots: 3, deployments: { collage: { minContainers: 3 } } });
  await sim.boot();
  await sim.clock.runFor(17 * second);
  for (let n = 0; n < 3; n++) await sim.submit();
  await sim.clock.runFor(1 * second);
  sim.scale('collage', { minContainers: 0, maxContainers: 1 });
  expect(sim.states()).toEqual({ busy: 1, draining: 2 });
  sim.kill();
  await sim.boot();
  expect(sim.states()).toEqual({ busy: 1, draining: 2 });
  await sim.clock.runFor(4 * second);
  const jobs = (await sim.store.jobs({ limit: 10 })).items;
  expect(jobs.map((job) => [job.state, job.attempts])).toEqual(jobs.map(() => ['succeeded', 1]));
  expect(sim.fleet.prompts).toHaveLength(3);
  expect(sim.states()).toEqual({ ready: 1 });
  const stored = await sim.store.containers({ limit: 10 });
  expect(stored.map(({ state }) => state).toSorted()).toEqual(['ready', 'stopped', 'stopped']);
});

test('a container that was being stopped when the gateway died is stopped by the next one', async () => {
  const sim = new Simulation({ slots: 1, deployments: { collage: { minContainers: 1 } } });
  await sim.boot();
  await sim.clock.runFor(17 * second);
  sim.fleet.stopsHang = true;
  sim.scale('collage', { minContainers: 0, maxContainers: 0 });
  await sim.clock.runFor(1 * second);
  sim.kill();
  sim.fleet.stopsHang = false;
  await sim.boot();
  expect(sim.states()).toEqual({});
  expect(sim.fleet.servers.size).toBe(0);
  expect(await sim.store.containers({ limit: 10 })).toMatchObject([{ state: 'stopped' }]);
});

test('gateway and containers die: the jobs are tried again, with nothing counted', async () => {
  const sim = new Simulation();
  await sim.boot();
  const job = await sim.submit();
  for (let n = 0; n < 4; n++) {
    await sim.clock.runFor(17 * second);
    sim.kill();
    for (const id of Array.from(sim.fleet.servers.keys())) await sim.fleet.stop({ id });
    await sim.boot();
  }
  await sim.clock.runFor(30 * second);
  expect(await sim.store.job(job.id)).toMatchObject({ state: 'succeeded', lostContainers: 0 });
});

test('numbers go on after a restart behind those of queued jobs', async () => {
  const sim = new Simulation({ deployments: { collage: { maxContainers: 0 } } });
  await sim.boot();
  expect([sim.jobs.takeNumber(), sim.jobs.takeNumber()]).toEqual([0, 1]);
  await sim.submit({ number: sim.jobs.takeNumber() });
  await sim.submit({ number: -7.5 });
  await sim.submit({ number: 2 ** 60 });
  sim.kill();
  await sim.boot();
  expect(sim.jobs.takeNumber()).toBe(3);
});

test('a cancel that is meant for a waiting prompt never stops a running one, nor the other way round, whenever it comes', async () => {
  for (let at = 0; at < 24; at++) {
    for (const only of ['queued', 'running'] as const) {
      const sim = new Simulation({ deployments: { collage: { maxContainers: 1 } } });
      await sim.boot();
      const jobs = [await sim.submit(), await sim.submit()];
      await sim.clock.runFor(at * second);
      // At the very moment of a start or an end too: all that the clock does then is under way when the cancel comes.
      const asked = jobs[1]!;
      const [touched] = await Promise.all([sim.jobs.cancel(asked.id, only).catch(() => null), sim.clock.runFor(0)]);
      await sim.clock.runFor(60 * second);
      const [first, second_] = await Promise.all(jobs.map(({ id }) => sim.jobs.get(id)));
      expect(first!.state).toBe('succeeded');
      const stopped = second_!.state === 'canceled';
      const ran = second_!.attempts > 0;
      expect([at, only, stopped]).toEqual([at, only, touched?.state === 'canceled' || touched?.cancelRequested === true]);
      if (stopped) expect([at, only, ran]).toEqual([at, only, only === 'running']);
      else expect(second_!.state).toBe('succeeded');
      expect(sim.ended.map(({ id }) => id).sort()).toEqual(jobs.map(({ id }) => id).sort());
    }
  }
});
