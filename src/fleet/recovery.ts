import type { Attempts } from '../jobs/attempts.ts';
import type { Attempt, Job } from '../jobs/job.ts';
import type { JobsService } from '../jobs/service.ts';
import { nothingSpent } from '../jobs/timing.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { isAlive, type ContainerRecord } from './container.ts';
import type { Controller } from './controller.ts';
import { poolKey } from './pool.ts';
import { remember } from './remembering.ts';

interface Dependencies {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly attempts: Attempts;
  readonly jobs: Pick<JobsService, 'continueBehind'>;
  readonly clock: Clock;
}

/** What a restarted gateway found. */
export interface Recovered {
  readonly queued: number;
  readonly resumed: number;
  readonly requeued: number;
  readonly adopted: number;
}

/**
 * Brings the controller's memory in step with the store and the runtime after a restart: containers that are still there are adopted,
 * those that are gone are recorded as failed, and those that nobody knows are stopped. Queued jobs go back into their queues; running
 * ones are followed further on their containers, or queued again without a count against them.
 */
export async function recover(deps: Dependencies, controller: Controller): Promise<Recovered> {
  const adopted = await adoptContainers(deps, controller);
  await Promise.all([...controller.pools.values()].map((pool) => remember(deps, pool)));
  const unfinished = await deps.store.unfinishedJobs();
  const counts = { queued: 0, resumed: 0, requeued: 0 };
  for (const { job } of unfinished) deps.jobs.continueBehind(job.number);
  for (const { job, attempt } of unfinished) counts[await recoverJob(deps, controller, job, attempt)]++;
  // Those that were draining go once their last prompt has ended: now, if they have none.
  const { containers } = controller;
  for (const { id, state, stopReason } of containers.all()) if (state === 'draining') containers.drain(id, stopReason ?? 'drained');
  return { ...counts, adopted };
}

async function adoptContainers({ store, runtime, clock }: Dependencies, controller: Controller): Promise<number> {
  const running = new Map((await runtime.list()).map((container) => [container.id, container]));
  const stored = await store.containers({ alive: true, limit: 100_000 });
  let adopted = 0;
  for (const record of stored) {
    const there = running.get(record.id);
    running.delete(record.id);
    const pool = controller.pools.get(poolKey(record.deployment, record.environment));
    if (there && pool && there.state !== 'failed') {
      controller.containers.adopt(pool, record, there);
      adopted++;
    } else {
      if (there) await runtime.stop({ id: record.id, epoch: controller.containers.epoch, graceMs: 0 });
      await store.saveContainer(goneRecord(record, clock.now(), controller.containers.epoch));
    }
  }
  for (const id of running.keys()) await runtime.stop({ id, epoch: controller.containers.epoch, graceMs: 0 });
  return adopted;
}

function goneRecord(record: ContainerRecord, at: number, epoch: number): ContainerRecord {
  if (!isAlive(record.state)) return record;
  if (record.failure) return { ...record, epoch, state: 'failed', stoppedAt: at };
  if (record.state === 'draining') return { ...record, epoch, state: 'stopped', stoppedAt: at };
  return { ...record, epoch, state: 'failed', stoppedAt: at, failure: { code: 'gone', message: 'it was gone when the gateway came back' } };
}

async function recoverJob(
  { store, attempts, clock }: Dependencies,
  controller: Controller,
  job: Job,
  attempt: Attempt | null,
): Promise<'queued' | 'resumed' | 'requeued'> {
  if (job.state === 'queued') {
    controller.enqueue(job, { waitingSince: job.createdAt, spent: nothingSpent, isNew: false });
    return 'queued';
  }
  const container = attempt && controller.containers.get(attempt.container);
  const pool = container && controller.containers.poolOf(container.id);
  if (attempt && container?.endpoint && pool) {
    // When its GPU took it is not known, so what is heard of that now would teach nonsense.
    const listener = { ...controller.listenerTo(pool, job), executing: () => undefined };
    const input = { job, container, epoch: attempt.epoch, coldMs: attempt.coldMs, reason: 'resumed', spent: nothingSpent, listener };
    pool.dispatcher.jobFollowed(container.id);
    controller.follow(pool, job, container.id, attempts.resume(input, attempt));
    return 'resumed';
  }
  const reason = 'the gateway and the container were gone';
  const requeued = await store.loseAttempt({ job: job.id, token: job.token, at: clock.now(), reason, counted: false });
  if (requeued?.state === 'queued') controller.enqueue(requeued, { waitingSince: clock.now(), spent: nothingSpent, isNew: false });
  return 'requeued';
}
