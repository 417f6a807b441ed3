import { expect, test } from 'vitest';
import type { ComfleetError } from '../../src/errors.ts';
import { createFleetView } from '../../src/fleet/fleet-view.ts';
import type { JobRequest } from '../../src/jobs/job.ts';
import { Simulation } from './harness.ts';

// A container costs 1.1 USD an hour here.

const second = 1_000;
const hour = 3_600 * second;

/** What a job is refused with; null: it is accepted. */
const refusal = (sim: Simulation, request: Partial<JobRequest> = {}): Promise<ComfleetError | null> =>
  sim.submit(request).then(
    () => null,
    (error: unknown) => error as ComfleetError,
  );

const poolOf = (sim: Simulation) => sim.controller.pools.get('collage@production')!;

test('a hard budget stops containers though jobs wait, and goes on as it refills', async () => {
  // 1.1 USD an hour each: one container always, and 2.2 USD saved up.
  const budget = { usdPerHour: 2.2, hard: true };
  const sim = new Simulation({ serviceMs: 60 * second, deployments: { collage: { budget } } });
  await sim.boot();
  for (let n = 0; n < 400; n++) await sim.submit();
  await sim.clock.runFor(3_600 * second);
  const alive = sim.controller.containers.all().length;
  expect(sim.fleet.peak).toBeGreaterThan(10);
  expect(alive).toBe(2);
  expect(sim.controller.pools.get('collage@production')!.heldBy).toBe('budget');
  expect(await sim.spentUsd()).toBeLessThan(2 * budget.usdPerHour * 1.05);
});

test('a spent budget refuses those who would wait far longer than the target, of low priority first, and says how long it would be', async () => {
  const budget = { usdPerHour: 1.1, hard: true };
  const sim = new Simulation({ serviceMs: 60 * second, deployments: { collage: { budget } } });
  await sim.boot();
  for (let n = 0; n < 200; n++) await sim.submit();
  // What was saved up is spent, and one container is left.
  await sim.clock.runFor(1_800 * second);
  const waiting = sim.controller.pools.get('collage@production')!.dispatcher.queue.size;
  expect(waiting).toBeGreaterThan(10);
  const refused = await refusal(sim);
  expect(refused).toMatchObject({ code: 'over_budget', details: { queue_position: waiting + 1 } });
  const { estimated_wait_s: wait, retry_after: after } = refused!.details as Record<string, number>;
  // One after the other, a minute each; sixty seconds are ten times the target.
  expect(Math.abs(wait! / (waiting * 60) - 1)).toBeLessThan(0.1);
  expect(after).toBe(wait! - 60);
  expect((await sim.submit({ priority: 1 })).priority).toBe(1);
});

test('a hard budget holds though every slot is taken', async () => {
  const sim = new Simulation({ slots: 3, serviceMs: 60 * second, deployments: { collage: { budget: { usdPerHour: 1.1, hard: true } } } });
  await sim.boot();
  for (let n = 0; n < 200; n++) await sim.submit();
  // Three spend 2.2 USD an hour more than it refills.
  await sim.clock.runFor(25 * 60 * second);
  expect(sim.controller.containers.all()).toHaveLength(3);
  await sim.clock.runFor(10 * 60 * second);
  expect(sim.controller.containers.all()).toHaveLength(1);
  const stopped = (await sim.store.containers({ limit: 10 })).filter(({ stoppedAt }) => stoppedAt !== null);
  expect(stopped.map(({ stopReason }) => stopReason)).toEqual(['the budget is spent', 'the budget is spent']);
});

test('whoever is refused is told when there really would be a container', async () => {
  const sim = new Simulation({ serviceMs: 5 * second, deployments: { collage: {} } });
  await sim.boot();
  for (let n = 0; n < 500; n++) await sim.submit();
  await sim.clock.runFor(60 * second);
  // What was spent in the last minute is far more than an hour of this.
  sim.scale('collage', { budget: { usdPerHour: 0.3, hard: true } });
  await sim.clock.runFor(20 * second);
  expect(sim.states()).toEqual({});
  for (let n = 0; n < 5; n++) await sim.submit({ priority: 1 }).catch(() => undefined);
  const { details, code } = (await refusal(sim, { priority: 100 }))!;
  expect([code, details['queue_position']]).toEqual(['over_budget', 1]);
  const estimate = details['estimated_wait_s'] as number;
  const promisedAt = sim.clock.now() + estimate * second;
  await sim.clock.runFor((estimate - 60) * second);
  // Now it is soon enough for this one.
  const { id } = await sim.submit({ priority: 100 });
  await sim.clock.runFor(90 * second);
  const { startedAt } = sim.ended.find((job) => job.id === id)!;
  expect(Math.abs(startedAt! - promisedAt)).toBeLessThan(3 * second);
});

test('after a restart the same job is refused, also before the policy wishes for anything', async () => {
  const budget = { usdPerHour: 0.3, hard: true };
  const sim = new Simulation({ serviceMs: 60 * second, deployments: { collage: { budget } } });
  await sim.boot();
  for (let n = 0; n < 30; n++) await sim.submit();
  await sim.clock.runFor(15 * 60 * second);
  const before = await refusal(sim);
  expect(before?.code).toBe('over_budget');
  sim.kill();
  await sim.boot();
  expect((await refusal(sim))?.code).toBe('over_budget');
  expect((await refusal(sim, { priority: -50 }))?.code).toBe('over_budget');
});

test('a budget too small for any container refuses every job, and nobody is asked to come again soon', async () => {
  const sim = new Simulation({ deployments: { collage: { budget: { usdPerHour: 0.05, hard: true } } } });
  await sim.boot();
  const refused = await refusal(sim);
  expect(refused).toMatchObject({ code: 'over_budget', details: { queue_position: 1, retry_after: 3_600 } });
  expect(refused?.message).toBe('The hard budget of collage is too small for any container');
  expect(refused?.details).not.toHaveProperty('estimated_wait_s');
});

test('jobs that nothing is started for say that the money is short', async () => {
  const sim = new Simulation({ deployments: { collage: { policy: 'slo' } } });
  await sim.boot();
  for (let n = 0; n < 30; n++) await sim.submit();
  await sim.clock.runFor(second);
  sim.scale('collage', { budget: { usdPerHour: 0.02, hard: true } });
  await sim.clock.runFor(2 * hour);
  const pool = poolOf(sim);
  expect([pool.dispatcher.queue.size > 0, pool.heldBy]).toEqual([true, 'budget']);
  const view = createFleetView(sim.controller, { name: 'emulated', capacity: 1, ready: true, note: null }, sim.clock);
  const waitingFor = (): string | null => view.waitingFor([...pool.jobs.keys()][0]!);
  expect(waitingFor()).toBe('money: the hard budget allows no container at all');
  pool.spending.spentBefore(0.3);
  sim.scale('collage', { budget: { usdPerHour: 0.3, hard: true } });
  await sim.clock.runFor(1.5 * second);
  // Five minutes beyond what it refills, (1.1 - 0.3) / 12 USD, are saved after 800 s, of which 1.5 s passed; a start is taken to need 20 s.
  expect(waitingFor()).toBe('money: the hard budget allows one that is ready in about 819 s');
});
