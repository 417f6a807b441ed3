import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { isFinal } from '../../jobs/job.ts';
import { all } from '../../sqlite/connection.ts';
import type { AttemptRow, EventRow, JobRow } from '../rows.ts';
import type { JobFilter } from '../store.ts';
import { readJob, selectJobs } from './jobs.ts';

/** See `Store.job`. */
export function job(db: DatabaseSync, id: string): JobRow | null {
  return readJob(db, id) ?? null;
}

/** `JobFilter` with the cursor read: rows with a `num` below `before`. */
export type JobQuery = Omit<JobFilter, 'cursor'> & { before: number | null };

/** See `Store.jobs`. One row more than `limit` is read when there is one: then there is a next page. */
export function jobs(db: DatabaseSync, query: JobQuery): JobRow[] {
  const { where, values } = conditionsOf(query);
  return all<JobRow>(db, `${selectJobs} ${where} ORDER BY j.num DESC LIMIT ?`, ...values, query.limit + 1);
}

/**
 * A page is read from one index in the order of acceptance. `+column` keeps a condition from choosing another index: few jobs
 * are unfinished, so for those the state leads; finished ones pile up, so there deployment and state lead together.
 */
function conditionsOf({ deployment, state, key, before }: JobQuery): { where: string; values: SQLInputValue[] } {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (term: string, value: SQLInputValue) => {
    terms.push(term);
    values.push(value);
  };
  const byState = state !== undefined && !(key !== undefined && isFinal(state));
  const byDeployment = deployment !== undefined && key === undefined && (state === undefined || isFinal(state));
  if (state !== undefined) add(byState ? 'j.state = ?' : '+j.state = ?', state);
  if (deployment !== undefined) add(byDeployment ? 'j.deployment = ?' : '+j.deployment = ?', deployment);
  if (key !== undefined) add(byState ? '+j.key_id = ?' : 'j.key_id = ?', key);
  if (byState && byDeployment) terms.push('j.finished_at IS NOT NULL');
  if (before !== null) add('j.num < ?', before);
  return { where: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}

export type UnfinishedRow = JobRow & Omit<{ [Name in keyof AttemptRow as `attempt_${Name}`]: AttemptRow[Name] | null }, 'attempt_job'>;

/** See `Store.unfinishedJobs`. */
export function unfinishedJobs(db: DatabaseSync): UnfinishedRow[] {
  return all<UnfinishedRow>(
    db,
    `SELECT j.*, c.content, a.number AS attempt_number, a.token AS attempt_token, a.container AS attempt_container,
       a.epoch AS attempt_epoch, a.started_at AS attempt_started_at, a.ended_at AS attempt_ended_at,
       a.outcome AS attempt_outcome, a.cold_ms AS attempt_cold_ms
     FROM jobs j JOIN job_contents c ON c.job = j.num
     LEFT JOIN attempts a ON a.job = j.num AND a.number = j.attempts AND j.state = 'running'
     WHERE j.state IN ('queued', 'running') ORDER BY j.num`,
  );
}

/** See `Store.attempts`. */
export function attempts(db: DatabaseSync, job: string): AttemptRow[] {
  return all<AttemptRow>(
    db,
    `SELECT j.id AS job, a.number, a.token, a.container, a.epoch, a.started_at, a.ended_at, a.outcome, a.cold_ms
     FROM jobs j JOIN attempts a ON a.job = j.num WHERE j.id = ? ORDER BY a.number`,
    job,
  );
}

/** See `Store.jobEvents`. */
export function jobEvents(db: DatabaseSync, input: { job: string; after: number }): EventRow[] {
  return all<EventRow>(
    db,
    `SELECT e.seq, e.at, e.type, e.data FROM jobs j JOIN job_events e ON e.job = j.num WHERE j.id = ? AND e.seq > ? ORDER BY e.seq`,
    input.job,
    input.after,
  );
}
