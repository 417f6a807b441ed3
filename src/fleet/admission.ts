import { ComfleetError } from '../errors.ts';
import type { JobRequest } from '../jobs/job.ts';
import { poolKey, type Pool } from './pool.ts';

/** Whoever would wait so many times the target's latency for money alone is told so at once. */
const longestWait = 10;

/** Only another budget helps: nobody needs to look for that more often. */
const neverSeconds = 3_600;

/**
 * Sheds load where a hard budget pays for too few containers: a job that would wait far longer than its target for money alone is refused, with an
 * honest estimate. Jobs of lower priority wait for those of higher, so they are the first to be refused. `now`: milliseconds. Error: `over_budget`.
 */
export function admit(pools: ReadonlyMap<string, Pool>, { deployment: name, environment, priority }: JobRequest, now: number): void {
  const pool = pools.get(poolKey(name, environment));
  if (!pool) return;
  const { dispatcher, observations, alive, deployment } = pool;
  const ahead = dispatcher.queue.countFrom(priority);
  const waitSeconds = pool.waitForBudget(now, ahead * observations.serviceSeconds);
  if (waitSeconds === null) return;
  // Where there is no container at all, a start is part of the wait, and no matter of money.
  const allowedSeconds = (longestWait * deployment.scaling.slo.latencyMs) / 1000 + (alive === 0 ? observations.startSeconds : 0);
  if (waitSeconds <= allowedSeconds) return;
  const position = ahead + 1;
  if (waitSeconds === Infinity) {
    const details = { retry_after: neverSeconds, queue_position: position };
    throw new ComfleetError('over_budget', `The hard budget of ${name} is too small for any container`, details);
  }
  const what = `The hard budget of ${name} is spent: this job would be number ${position} and wait about ${Math.ceil(waitSeconds)} s`;
  throw new ComfleetError('over_budget', what, {
    retry_after: Math.ceil(waitSeconds - allowedSeconds),
    queue_position: position,
    estimated_wait_s: Math.ceil(waitSeconds),
  });
}
