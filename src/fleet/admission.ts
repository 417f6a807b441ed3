import { ComfleetError } from '../errors.ts';
import type { JobRequest } from '../jobs/job.ts';
import { poolKey, type Pool } from './pool.ts';

/** Whoever would wait so many times the target's latency for money alone is told so at once. */
const longestWait = 10;

/**
 * Sheds load while a hard budget holds the deployment back: a job that would wait far longer than its target is refused, with an honest
 * estimate. Jobs of lower priority wait for those of higher, so they are the first to be refused. Error: `over_budget`.
 */
export function admit(pools: ReadonlyMap<string, Pool>, { deployment: name, environment, priority }: JobRequest): void {
  const pool = pools.get(poolKey(name, environment));
  if (pool?.heldBy !== 'budget') return;
  const { dispatcher, observations, alive, deployment } = pool;
  let ahead = 0;
  for (const job of dispatcher.queue.all()) if (job.priority >= priority) ahead++;
  // With no container at all, one is there for a part of the time.
  const waitSeconds = (ahead * observations.serviceSeconds) / Math.max(1, alive);
  const allowedSeconds = (longestWait * deployment.scaling.slo.latencyMs) / 1000;
  if (waitSeconds <= allowedSeconds) return;
  const position = ahead + 1;
  const retryAfter = Math.ceil(waitSeconds - allowedSeconds);
  const what = `The budget of ${name} is spent: this job would be number ${position} and wait about ${Math.ceil(waitSeconds)} s`;
  throw new ComfleetError('over_budget', what, {
    retry_after: retryAfter,
    queue_position: position,
    estimated_wait_s: Math.ceil(waitSeconds),
  });
}
