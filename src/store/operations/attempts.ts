import type { DatabaseSync } from 'node:sqlite';
import { maxLostContainers, type FinalState, type JobError } from '../../jobs/job.ts';
import { change } from '../../sqlite/connection.ts';
import type { AttemptResultRow, AttemptRow, JobRow } from '../rows.ts';
import { addEvent, conclude, concludeWithoutResult, headOf, readJob, type JobHead } from './jobs.ts';
import { touchAsset } from './assets.ts';

/** See `Store.startAttempt`. */
export function startAttempt(
  db: DatabaseSync,
  input: { job: string; container: string; epoch: number; at: number; coldMs: number; reason: string },
): AttemptRow | null {
  const head = headOf(db, input.job);
  if (head?.state !== 'queued') return null;
  const number = head.attempts + 1;
  const token = head.token + 1;
  change(
    db,
    `UPDATE jobs SET state = 'running', attempts = ?, token = ?, container = ?, started_at = coalesce(started_at, ?), events = events + 1
     WHERE num = ?`,
    number,
    token,
    input.container,
    input.at,
    head.num,
  );
  change(
    db,
    `INSERT INTO attempts (job, number, token, container, epoch, started_at, outcome, cold_ms) VALUES (?, ?, ?, ?, ?, ?, 'running', ?)`,
    head.num,
    number,
    token,
    input.container,
    input.epoch,
    input.at,
    input.coldMs,
  );
  addEvent(db, head, input.at, 'started', { attempt: number, container: input.container, reason: input.reason });
  return {
    job: input.job,
    number,
    token,
    container: input.container,
    epoch: input.epoch,
    started_at: input.at,
    ended_at: null,
    outcome: 'running',
    cold_ms: input.coldMs,
  };
}

/** The job, when `token` is that of its running attempt: the fence that keeps out whoever was thought lost. */
function running(db: DatabaseSync, job: string, token: number): JobHead | null {
  const head = headOf(db, job);
  return head?.state === 'running' && head.token === token ? head : null;
}

function endAttempt(db: DatabaseSync, head: JobHead, at: number, outcome: string): void {
  change(db, 'UPDATE attempts SET ended_at = ?, outcome = ? WHERE job = ? AND number = ?', at, outcome, head.num, head.attempts);
}

/** See `Store.finishAttempt`. */
export function finishAttempt(db: DatabaseSync, result: AttemptResultRow): boolean {
  const head = running(db, result.job, result.token);
  if (!head) return false;
  endAttempt(db, head, result.at, result.state);
  conclude(db, head, result);
  for (const { id, bytes } of result.assets) touchAsset(db, { id, bytes, kind: 'output', at: result.at });
  return true;
}

/** See `Store.loseAttempt`. */
export function loseAttempt(
  db: DatabaseSync,
  input: { job: string; token: number; at: number; reason: string; counted: boolean },
): JobRow | null {
  const head = running(db, input.job, input.token);
  if (!head) return null;
  const { at, reason, counted } = input;
  const lost = head.lost_containers + (counted ? 1 : 0);
  endAttempt(db, head, at, counted ? 'lost' : 'abandoned');
  if (counted) change(db, 'UPDATE jobs SET lost_containers = ? WHERE num = ?', lost, head.num);
  if (head.cancel_requested === 1) {
    concludeWithoutResult(db, head, { at, state: 'canceled', error: { code: 'canceled', message: 'The job was cancelled while it ran.' } });
  } else if (lost >= maxLostContainers) {
    const message = `The job lost ${lost} containers; the last one: ${reason}`;
    concludeWithoutResult(db, head, { at, state: 'failed', error: { code: 'containers_lost', message } });
  } else {
    change(db, `UPDATE jobs SET state = 'queued', events = events + 1 WHERE num = ?`, head.num);
    addEvent(db, head, at, 'requeued', { reason, counted });
  }
  return readJob(db, input.job) ?? null;
}

/** See `Store.endQueued`. */
export function endQueued(
  db: DatabaseSync,
  input: { job: string; state: Exclude<FinalState, 'succeeded'>; at: number; error: JobError | null },
): boolean {
  const head = headOf(db, input.job);
  if (head?.state !== 'queued') return false;
  concludeWithoutResult(db, head, input);
  return true;
}

/** See `Store.requestCancel`. */
export function requestCancel(db: DatabaseSync, input: { job: string; at: number; only?: 'queued' | 'running' }): JobRow | null {
  const head = headOf(db, input.job);
  if (!head) return null;
  if (head.state !== (input.only ?? head.state)) return readJob(db, input.job) ?? null;
  if (head.state === 'queued') {
    const error: JobError = { code: 'canceled', message: 'The job was cancelled while it was queued.' };
    concludeWithoutResult(db, head, { at: input.at, state: 'canceled', error });
  } else if (head.state === 'running' && head.cancel_requested === 0) {
    change(db, 'UPDATE jobs SET cancel_requested = 1, events = events + 1 WHERE num = ?', head.num);
    addEvent(db, head, input.at, 'cancel_requested', {});
  }
  return readJob(db, input.job) ?? null;
}
