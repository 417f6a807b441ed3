import type { ErrorCode } from '../../errors.ts';
import { isFinal, type ToldJob } from '../../jobs/job.ts';
import type { JobDot, Point } from './document.ts';
import { quantile, sortedNumbers } from './statistics.ts';
import { Columns, columnMs, columnOf, columnsUntil, windowMs } from './window.ts';

/** So many finished jobs are kept; at more than 50 a second the figures then look back less than the window. */
const maxJobs = 30_000;
/** So many columns hold the fastest and slowest job each when there are too many dots. */
const dotColumns = 1_000;
const maxDots = dotColumns * 2;
/** Shares and percentiles over time look back so far at each point. */
const trailingMs = 30_000;

/** What the overview remembers of a finished job. */
export interface JobFacts extends JobDot {
  readonly deployment: string;
  readonly finishedAt: number;
  /** Within its deployment's promise; null: cancelled, so neither. */
  kept: boolean | null;
  readonly error: ErrorCode | null;
  readonly parts: { readonly queue: number; readonly cold: number; readonly run: number; readonly store: number } | null;
}

/** Finished jobs of the window, and how many waited when. */
export class JobWindow {
  #finished: JobFacts[] = [];
  readonly #waiting = new Map<string, number>();
  readonly #queue = new Columns(() => ({ longest: 0, wait: 0 }));
  /** Jobs submitted since the gateway started. */
  seen = 0;

  /** Jobs that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  queued(job: ToldJob, now: number): void {
    if (!this.#waiting.has(job.id)) this.#waiting.set(job.id, now);
    if (job.attempts === 0) this.seen++;
    this.#note(now, 0);
  }

  started(job: ToldJob, now: number): void {
    const since = this.#waiting.get(job.id);
    this.#note(now, since === undefined ? 0 : now - since);
    this.#waiting.delete(job.id);
  }

  finished(job: ToldJob, now: number): void {
    this.#waiting.delete(job.id);
    if (!isFinal(job.state)) return;
    const finishedAt = job.finishedAt ?? now;
    this.#finished.push({
      id: job.id,
      deployment: deploymentKey(job),
      arrived_at: job.createdAt,
      finishedAt,
      total_s: Math.round(finishedAt - job.createdAt) / 1000,
      cold: (job.timing?.cold ?? 0) > 0,
      outcome: job.state,
      kept: null,
      error: job.error?.code ?? null,
      parts: job.timing,
    });
    if (this.#finished.length > maxJobs) {
      this.#finished = this.#since(now - windowMs).slice(-Math.floor(maxJobs * 0.9));
    }
  }

  /** Jobs that finished in the window, oldest first, judged by their deployments' promises of now. */
  jobs(now: number, sloMsOf: (deployment: string) => number): JobFacts[] {
    const jobs = this.#since(now - windowMs);
    for (const job of jobs) {
      job.kept = job.outcome === 'canceled' ? null : job.outcome === 'succeeded' && job.total_s * 1000 <= sloMsOf(job.deployment);
    }
    return jobs;
  }

  /** The most jobs that waited at once in each column, and the longest wait that ended in the window; `length` is the truth of now. */
  queue(now: number, length: number): { series: Point[]; longestWaitMs: number } {
    let longestWaitMs = 0;
    const columns = columnsUntil(now);
    const series = columns.map((t, index) => {
      const column = this.#queue.peek(t);
      longestWaitMs = Math.max(longestWaitMs, column?.wait ?? 0);
      const last = index === columns.length - 1;
      return { t, v: Math.max(column?.longest ?? 0, last ? length : 0) };
    });
    return { series, longestWaitMs };
  }

  #since(from: number): JobFacts[] {
    return this.#finished.filter((job) => job.finishedAt > from);
  }

  #note(now: number, waited: number): void {
    const column = this.#queue.at(columnOf(now));
    column.longest = Math.max(column.longest, this.#waiting.size);
    column.wait = Math.max(column.wait, waited);
  }
}

/** As the fleet names a deployment's queue. */
export const deploymentKey = (of: { readonly deployment: string; readonly environment: string }): string =>
  `${of.deployment}@${of.environment}`;

/** For each column of the window what `value` says about the jobs that finished shortly before its end. */
export function trailing(jobs: readonly JobFacts[], now: number, value: (jobs: readonly JobFacts[]) => number | null): Point[] {
  const inOrder = jobs.toSorted((a, b) => a.finishedAt - b.finishedAt);
  let [from, to] = [0, 0];
  return columnsUntil(now).map((t) => {
    const end = t + columnMs;
    while (to < inOrder.length && (inOrder[to]?.finishedAt ?? end) < end) to++;
    while (from < to && (inOrder[from]?.finishedAt ?? end) < end - trailingMs) from++;
    return { t, v: from === to ? null : value(inOrder.slice(from, to)) };
  });
}

export const p95Of = (jobs: readonly JobFacts[]): number | null => quantile(sortedNumbers(succeeded(jobs).map((job) => job.total_s)), 0.95);

export const succeeded = (jobs: readonly JobFacts[]): readonly JobFacts[] => jobs.filter((job) => job.outcome === 'succeeded');

/** The error that most of the failed jobs have. */
export function mostFrequentError(jobs: readonly JobFacts[]): ErrorCode | null {
  const groups = [...Map.groupBy(jobs, (job) => job.error)].toSorted((a, b) => b[1].length - a[1].length);
  return groups[0]?.[0] ?? null;
}

/** At most 2,000 dots: every job, or the fastest, slowest and the first failed one of each column of time. */
export function dots(jobs: readonly JobFacts[], now: number): JobDot[] {
  const from = now - windowMs;
  const shown = jobs.filter((job) => job.arrived_at > from);
  return (shown.length <= maxDots ? shown : extremes(shown, from)).map(({ id, arrived_at, total_s, cold, outcome }) => ({
    id,
    arrived_at,
    total_s,
    cold,
    outcome,
  }));
}

function extremes(jobs: readonly JobFacts[], from: number): JobFacts[] {
  const columns = new Map<number, { low: JobFacts; high: JobFacts }>();
  for (const job of jobs) {
    const column = Math.floor(((job.arrived_at - from) / windowMs) * dotColumns);
    const known = columns.get(column);
    if (!known) columns.set(column, { low: job, high: job });
    else if (job.total_s < known.low.total_s) known.low = job;
    else if (job.total_s > known.high.total_s || (job.outcome === 'failed' && known.high.outcome !== 'failed')) known.high = job;
  }
  return [...columns.values()].flatMap(({ low, high }) => (low === high ? [low] : [low, high]));
}
