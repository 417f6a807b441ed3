import type { DatabaseSync } from 'node:sqlite';
import { change, one } from '../connection.ts';
import type { JobRow, NewJobRow } from '../rows.ts';
import { readJob } from './jobs.ts';
import { addPrompt } from './prompts.ts';

/** How long an Idempotency-Key stands for the job that it made. */
export const idempotencyMs = 24 * 3_600_000;

/** A file that many jobs read has its age noted no more often than this; the sweeper allows for it. */
export const touchEveryMs = 60_000;

export type SubmissionRow = { kind: 'accepted' } | { kind: 'known'; row: JobRow } | { kind: 'mismatch'; job: string };

/** See `Store.submit`. */
export function submit(db: DatabaseSync, job: NewJobRow): SubmissionRow {
  const earlier = job.idempotency && earlierSubmission(db, job, job.idempotency);
  if (earlier) return earlier;
  change(
    db,
    `INSERT INTO jobs (id, workspace, environment, deployment, revision, source, key_id, priority, model_key, deadline_at,
       execution_timeout_ms, webhook, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
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

type Idempotency = NonNullable<NewJobRow['idempotency']>;

/** Null when the key is new, too old, or stands for a job that was swept. */
function earlierSubmission(db: DatabaseSync, job: NewJobRow, { key, bodyHash }: Idempotency): SubmissionRow | null {
  const used = one(
    db,
    `SELECT body_hash, job FROM idempotency_keys
     WHERE workspace = ? AND environment = ? AND deployment = ? AND caller = ? AND key = ? AND used_at > ?`,
    job.workspace,
    job.environment,
    job.deployment,
    job.key ?? '',
    key,
    job.at - idempotencyMs,
  ) as { body_hash: string; job: string } | undefined;
  const row = used && readJob(db, used.job);
  if (!row) return null;
  return used.body_hash === bodyHash ? { kind: 'known', row } : { kind: 'mismatch', job: used.job };
}

function remember(db: DatabaseSync, job: NewJobRow, { key, bodyHash }: Idempotency): void {
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
