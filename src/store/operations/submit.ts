import type { DatabaseSync } from 'node:sqlite';
import { change, one } from '../../sqlite/connection.ts';
import type { JobRow, NewJobRow } from '../rows.ts';
import type { EarlierQuery } from '../store.ts';
import { addPrompt } from './prompts.ts';

/** How long an Idempotency-Key stands for the job that it made. */
export const idempotencyMs = 24 * 3_600_000;

/** A file that many jobs read has its age noted no more often than this; the sweeper allows for it. */
export const touchEveryMs = 60_000;

export type EarlierRow = { kind: 'known'; row: JobRow } | { kind: 'mismatch'; job: string };
export type SubmissionRow = { kind: 'accepted' } | EarlierRow;

/** See `Store.submit`. */
export function submit(db: DatabaseSync, job: NewJobRow): SubmissionRow {
  const earlier = job.idempotency && earlierSubmission(db, { ...job, idempotency: job.idempotency });
  if (earlier) return earlier;
  change(
    db,
    `INSERT INTO jobs (id, workspace, environment, deployment, revision, source, key_id, priority, model_key, deadline_at,
       execution_timeout_ms, webhook, workflow_class, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
    job.id,
    job.workspace,
    job.environment,
    job.deployment,
    job.revision,
    job.source,
    job.key,
    job.priority,
    job.modelKey,
    job.deadlineAt,
    job.executionTimeoutMs,
    job.webhook,
    job.workflowClass,
    job.at,
  );
  // last_insert_rowid() stays the job's in the second statement, because WITHOUT ROWID tables do not set it.
  change(db, `INSERT INTO job_events (job, seq, at, type, data) VALUES (last_insert_rowid(), 1, ?, 'queued', '{}')`, job.at);
  change(db, 'INSERT INTO job_contents (job, content) VALUES (last_insert_rowid(), ?)', job.content);
  if (job.prompt) addPrompt(db, job, job.prompt);
  for (const asset of job.assets) {
    change(db, 'UPDATE assets SET used_at = ? WHERE id = ? AND used_at < ?', job.at, asset, job.at - touchEveryMs);
  }
  if (job.idempotency) remember(db, job, job.idempotency);
  return { kind: 'accepted' };
}

/** See `Store.earlierSubmission`. */
export function earlierSubmission(
  db: DatabaseSync,
  { at, workspace, environment, deployment, key, idempotency }: EarlierQuery,
): EarlierRow | null {
  const found = one(
    db,
    `SELECT k.body_hash, j.*, c.content
     FROM idempotency_keys k JOIN jobs j ON j.id = k.job JOIN job_contents c ON c.job = j.num
     WHERE k.workspace = ? AND k.environment = ? AND k.deployment = ? AND k.caller = ? AND k.key = ? AND k.used_at > ?`,
    workspace,
    environment,
    deployment,
    key ?? '',
    idempotency.key,
    at - idempotencyMs,
  ) as (JobRow & { body_hash: string }) | undefined;
  if (!found) return null;
  return found.body_hash === idempotency.bodyHash ? { kind: 'known', row: found } : { kind: 'mismatch', job: found.id };
}

function remember(db: DatabaseSync, job: NewJobRow, { key, bodyHash }: EarlierQuery['idempotency']): void {
  change(
    db,
    `INSERT OR REPLACE INTO idempotency_keys (workspace, environment, deployment, caller, key, body_hash, job, used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    job.workspace,
    job.environment,
    job.deployment,
    job.key ?? '',
    key,
    bodyHash,
    job.id,
    job.at,
  );
}
