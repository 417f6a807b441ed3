import type { Job, Timing, Usage } from './job.ts';
import type { Container } from '../fleet/container.ts';

/** Milliseconds of the wait before `assignedAt` during which the container that takes the job was starting. */
export function coldWait(
  job: { waitingSince: number },
  container: { startedAt: number; readyAt: number | null },
  assignedAt: number,
): number {
  const to = Math.min(container.readyAt ?? assignedAt, assignedAt);
  return Math.max(0, to - Math.max(container.startedAt, job.waitingSince));
}

/** What an unfinished job has behind it: parts of its lost attempts. */
export interface Spent {
  readonly coldMs: number;
  readonly runMs: number;
}

export const nothingSpent: Spent = { coldMs: 0, runMs: 0 };

/** Splits accepted-to-finished into disjoint parts that sum to it. `promptEndedAt` is null when the job never ran. */
export function splitTiming(job: Job, spent: Spent, run: { startedAt: number; promptEndedAt: number } | null, finishedAt: number): Timing {
  const total = finishedAt - job.createdAt;
  const store = run ? finishedAt - run.promptEndedAt : 0;
  const runMs = spent.runMs + (run ? run.promptEndedAt - run.startedAt : 0);
  const cold = Math.min(spent.coldMs, Math.max(0, total - store - runMs));
  return { queue: Math.max(0, total - cold - runMs - store), cold, run: runMs, store };
}

/** Container time of a job and its price: seconds x share x price per hour / 3600. */
export function usageOf(container: Container, containerMs: number): Usage {
  const containerSeconds = containerMs / 1000;
  const usd = container.usdPerHour === null ? null : (containerSeconds * container.share * container.usdPerHour) / 3600;
  return { containerSeconds, share: container.share, gpu: container.gpu, usd };
}
