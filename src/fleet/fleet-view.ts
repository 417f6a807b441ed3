import { ComfleetError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { secondsByUse, type ContainerRecord } from './container.ts';
import type { Controller } from './controller.ts';
import type { CostView, Fleet, QueueView } from './fleet.ts';
import type { Pool } from './pool.ts';

/** What the API shows of the fleet, read from the controller's memory. */
export function createFleetView(controller: Controller, runtime: Fleet['runtime'], clock: Clock): Fleet {
  return {
    runtime,
    containers: () => controller.containers.all().map((container) => withWorkSoFar(container, clock.now())),
    slots: () => controller.slots.all(),
    queues: () => [...controller.pools.values()].map(queueView),
    cost: () => [...controller.pools.values()].flatMap(costView),
    waitingFor: (job) => {
      for (const pool of controller.pools.values()) if (pool.jobs.has(job)) return waitingFor(pool, clock.now());
      return null;
    },
    async stopContainer(id, { force, reason }) {
      if (!controller.containers.get(id)) throw new ComfleetError('unknown_container', `No living container has the id ${id}`);
      if (force) await controller.containers.stop(id, reason);
      else controller.containers.drain(id, reason);
    },
  };
}

function withWorkSoFar(container: ContainerRecord, now: number): ContainerRecord {
  return { ...container, busySeconds: secondsByUse(container, now).busy };
}

function queueView(pool: Pool): QueueView {
  const oldest = pool.dispatcher.queue.oldest();
  return {
    deployment: pool.deployment.name,
    environment: pool.deployment.environment,
    queued: pool.dispatcher.queue.size,
    running: pool.running,
    oldestQueuedAt: oldest?.createdAt ?? null,
    desired: pool.desired,
    target: pool.target,
    heldBy: pool.heldBy,
    note: pool.note,
  };
}

/** What the jobs at the head of the queue wait for, in words. */
function waitingFor(pool: Pool, now: number): string {
  const starting = [...pool.containers.values()].filter((container) => container.state === 'starting');
  const phases = starting.map((container) => container.phases.at(-1)?.phase ?? 'provision');
  if (phases.length > 0)
    return `${phases.length} starting ${phases.length === 1 ? 'container' : 'containers'} (${[...new Set(phases)].join(', ')})`;
  switch (pool.heldBy) {
    case 'max_containers':
      return `a place in one of ${pool.alive} containers: max_containers is reached`;
    case 'budget':
      return `money: the hard budget allows ${allowed(pool, now)}`;
    case 'gpu_limit':
      return "a GPU: the workspace's GPU limit is reached";
    case 'capacity':
      return 'a free slot: every slot of the machine is taken';
    case 'start_failures':
      return `the next try to start a container, after ${pool.failedStarts} failed: ${pool.lastFailure ?? 'see the logs'}`;
    case null:
  }
  return pool.alive > 0 ? 'a place in a container' : 'a container';
}

function allowed(pool: Pool, now: number): string {
  const seconds = pool.alive > 0 ? null : pool.waitForBudget(now, 0);
  if (seconds === null) return 'no more containers now';
  return seconds === Infinity ? 'no container at all' : `one that is ready in about ${Math.ceil(seconds)} s`;
}

function costView(pool: Pool): CostView[] {
  const byGpu = new Map<string | null, { busy: number; starting: number; idle: number; perMinute: number | null }>();
  for (const container of pool.containers.values()) {
    const price = container.usdPerHour;
    const row = byGpu.get(container.gpu) ?? {
      busy: 0,
      starting: 0,
      idle: 0,
      perMinute: price === null ? null : (price * container.share) / 60,
    };
    byGpu.set(container.gpu, row);
    if (container.state === 'starting') row.starting++;
    else if (container.inFlight > 0) row.busy++;
    else row.idle++;
  }
  return [...byGpu].map(([gpu, { busy, starting, idle, perMinute }]) => ({
    deployment: pool.deployment.name,
    gpu,
    busy,
    starting,
    idle,
    usdPerMinute: perMinute === null ? null : { busy: busy * perMinute, starting: starting * perMinute, idle: idle * perMinute },
  }));
}
