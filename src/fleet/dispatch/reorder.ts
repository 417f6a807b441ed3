import type { JobQueue, QueuedJob } from './queue.ts';

/** So many jobs at the head of the queue are looked at. */
export const lookAhead = 24;
/** A job that has waited longer is not passed over any more. */
export const longestBypassMs = 60_000;

/** What is free or will be, as jobs see it. */
export interface Room {
  readonly now: number;
  readonly predictedSeconds: number;
  /** Could the job begin now without a load in place of another model? */
  readonly fits: (job: QueuedJob) => boolean;
  /** Until when the job may wait for a container that holds its models and is busy; null: none is worth it. `others`: so many wait for that already. */
  readonly mayWaitUntil: (job: QueuedJob, others: number) => number | null;
}

export interface Choice {
  /** Undefined: all that may begin wait for containers that hold their models. */
  readonly job: QueuedJob | undefined;
  /** When to look again if nothing happens before; null: not needed. */
  readonly lookAt: number | null;
}

/**
 * Which queued job begins next, when the next in order would have to load its models in place of others: the first that fits what is free,
 * else the first that gains nothing by waiting. It passes over others within bounds: none that has waited longer than `longestBypassMs`,
 * at most `lookAhead - 1`, all of one priority.
 */
export function choose(queue: JobQueue, room: Room): Choice {
  const { now } = room;
  const waiting = new Map<string, number>();
  let loading: QueuedJob | undefined;
  let lookAt = Infinity;
  for (const job of queue.first(lookAhead, room.predictedSeconds)) {
    if (room.fits(job)) return { job, lookAt: null };
    const mustGoAt = job.createdAt + longestBypassMs;
    const others = waiting.get(job.modelKey) ?? 0;
    const until = room.mayWaitUntil(job, others);
    if (now >= mustGoAt) return { job: loading ?? job, lookAt: null };
    if (until !== null && until > now) {
      waiting.set(job.modelKey, others + 1);
      lookAt = Math.min(lookAt, until, mustGoAt);
    } else loading ??= job;
  }
  return { job: loading, lookAt: loading || lookAt === Infinity ? null : lookAt };
}
