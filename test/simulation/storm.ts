import { expect } from 'vitest';
import { finalStates, isFinal } from '../../src/jobs/job.ts';
import { Simulation, type SimulationSettings } from './harness.ts';

const second = 1_000;
const rounds = 200;
const finals = new Set<string>(finalStates);

/** A run with faults drawn from the seed; the checks hold for every seed, which the test's name prints. */
export async function storm(seed: number, more: SimulationSettings = {}): Promise<Simulation> {
  const deployments = { collage: {}, portrait: { maxInputs: 3, targetInputs: 2 } };
  const sim = new Simulation({ seed, slots: 12, gpuLimit: 8, deployments, ...more });
  await sim.boot();
  const { random, fleet } = sim;
  const known: string[] = [];
  for (let round = 0; round < rounds; round++) {
    if (random.chance(0.6)) {
      const deadlineAt = random.chance(0.1) ? sim.clock.now() + random.int(40) * second : null;
      const key = `key ${random.int(3)}`;
      known.push(
        (await sim.submit({ deployment: random.chance(0.5) ? 'collage' : 'portrait', key, priority: random.int(3), deadlineAt })).id,
      );
    }
    if (random.chance(0.05)) await cancelOne(sim, known[random.int(known.length || 1)]);
    if (random.chance(0.04)) fleet.failNextStarts++;
    if (random.chance(0.02)) fleet.loseNextStarts += 1 + random.int(3);
    if (random.chance(0.06)) crashOne(sim);
    if (random.chance(0.03))
      sim.scale('collage', { maxContainers: random.chance(0.5) ? null : 1 + random.int(4), minContainers: random.int(2) });
    if (random.chance(0.02)) {
      sim.kill();
      await sim.boot();
    }
    fleet.serviceMs = 1_000 + random.int(5_000);
    await sim.clock.runFor(random.int(4) * second);
    const shares = sim.controller.containers.all().reduce((sum, container) => sum + container.share, 0);
    expect(shares).toBeLessThanOrEqual(8);
  }
  sim.scale('collage', { minContainers: 0, maxContainers: null });
  await sim.clock.runFor(1_200 * second);
  expect((await sim.store.jobs({ limit: 1_000 })).items).toHaveLength(known.length);
  return sim;
}

async function cancelOne(sim: Simulation, id: string | undefined): Promise<void> {
  const job = id === undefined ? null : await sim.store.job(id);
  if (job && !isFinal(job.state)) await sim.jobs.cancel(job.id);
}

function crashOne(sim: Simulation): void {
  const ids = [...sim.fleet.servers.keys()];
  const id = ids[sim.random.int(ids.length || 1)];
  if (id) sim.fleet.crash(id);
}

/** No job is lost, none ended twice, no container stays. */
export async function expectCalm(sim: Simulation, seed: number): Promise<void> {
  for (const job of (await sim.store.jobs({ limit: 1_000 })).items) {
    const events = (await sim.store.jobEvents({ job: job.id, after: 0 })).map((event) => event.type);
    expect({ seed, job: job.id, state: job.state, ends: events.filter((type) => finals.has(type)).length }).toMatchObject({ ends: 1 });
    expect(isFinal(job.state)).toBe(true);
    if (job.state === 'failed') expect(job.error?.code).toBe('containers_lost');
    if (job.timing) {
      const { queue, cold, run, store } = job.timing;
      expect(Math.abs(queue + cold + run + store - (job.finishedAt! - job.createdAt))).toBeLessThan(1e-6);
    }
  }
  expect(sim.fleet.servers.size).toBe(0);
  expect(sim.states()).toEqual({});
  expect(await sim.store.containers({ alive: true, limit: 100 })).toEqual([]);
}
