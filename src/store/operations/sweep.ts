import type { DatabaseSync } from 'node:sqlite';
import { all, change } from '../../sqlite/connection.ts';
import { idempotencyMs, touchEveryMs } from './submit.ts';

export interface SweepInput {
  at: number;
  jobsBefore: number;
  outputsBefore: number;
  uploadsBefore: number;
  limit: number;
}

/** See `Store.sweep`. */
export function sweep(db: DatabaseSync, input: SweepInput): { jobs: number; assets: string[]; more: boolean } {
  const { limit, jobsBefore } = input;
  // Outputs of deleted jobs are wanted by nobody, however long outputs are kept.
  const outputsBefore = Math.max(input.outputsBefore, jobsBefore);
  const deleted = deleteJobs(db, jobsBefore, limit);
  const forgotten = forgetOutputs(db, outputsBefore, limit);
  const others = [
    deleteOld(db, 'idempotency_keys', '(workspace, environment, deployment, caller, key)', 'used_at', input.at - idempotencyMs, limit),
    deleteOld(db, 'decisions', 'seq', 'at', jobsBefore, limit),
    deleteOld(db, 'containers', 'id', 'ended_at', jobsBefore, limit),
    deleteOld(db, 'file_counters', '(workspace, caller, type, subfolder, stem)', 'used_at', jobsBefore, limit),
  ];
  // The age of an output asset is that of the last job that names it, so assets wait until all jobs of that age were dealt with.
  const jobsLeft = deleted === limit || forgotten === limit;
  const expired = jobsLeft ? [] : deleteAssets(db, outputsBefore, input.uploadsBefore, limit);
  const more = jobsLeft || expired.length === limit || others.includes(limit);
  return { jobs: deleted, assets: withoutRow(db, expired), more };
}

function deleteJobs(db: DatabaseSync, before: number, limit: number): number {
  const old = all<{ num: number; id: string }>(
    db,
    'SELECT num, id FROM jobs WHERE finished_at < ? ORDER BY finished_at LIMIT ?',
    before,
    limit,
  );
  for (const { num, id } of old) {
    change(db, 'DELETE FROM job_contents WHERE job = ?', num);
    change(db, 'DELETE FROM job_events WHERE job = ?', num);
    change(db, 'DELETE FROM prompts WHERE job = ?', num);
    change(db, 'DELETE FROM attempts WHERE job = ?', num);
    change(db, 'DELETE FROM deliveries WHERE job = ?', id);
    change(db, 'DELETE FROM jobs WHERE num = ?', num);
  }
  return old.length;
}

/** The rows of outputs stay, without asset and text: the API can say that there was one and that it has gone. */
function forgetOutputs(db: DatabaseSync, before: number, limit: number): number {
  return change(
    db,
    `UPDATE jobs SET outputs_kept = 0, outputs = (
       SELECT json_group_array(json_remove(json_set(value, '$.asset', NULL), '$.text')) FROM json_each(jobs.outputs))
     WHERE num IN (SELECT num FROM jobs WHERE outputs_kept = 1 AND finished_at < ? ORDER BY finished_at LIMIT ?)`,
    before,
    limit,
  );
}

function deleteOld(db: DatabaseSync, table: string, id: string, age: string, before: number, limit: number): number {
  const columns = id.replace(/[()]/g, '');
  return change(
    db,
    `DELETE FROM ${table} WHERE ${id} IN (SELECT ${columns} FROM ${table} WHERE ${age} < ? ORDER BY ${age} LIMIT ?)`,
    before,
    limit,
  );
}

/**
 * Drops the rows of assets that are too old, but for those that a revision or an unfinished job reads. A submission notes the
 * age of what it reads, so only jobs as old as the assets in question can still need one: mostly none, and so nothing to parse.
 */
function deleteAssets(db: DatabaseSync, outputsBefore: number, uploadsBefore: number, limit: number): string[] {
  const rows = all<{ id: string; kind: string }>(
    db,
    `WITH in_use AS MATERIALIZED (
       SELECT file.value ->> '$.asset' AS asset
       FROM jobs j JOIN job_contents c ON c.job = j.num, json_each(c.content, '$.files') file
       WHERE j.state IN ('queued', 'running') AND j.created_at < ?)
     DELETE FROM assets WHERE (id, kind) IN (
       SELECT id, kind FROM assets
       WHERE ((kind = 'output' AND used_at < ?) OR (kind IN ('upload', 'workflow') AND used_at < ?))
         AND id NOT IN (SELECT asset FROM in_use)
         AND NOT EXISTS (SELECT 1 FROM revision_assets r WHERE r.asset = assets.id)
       LIMIT ?)
     RETURNING id, kind`,
    Math.max(outputsBefore, uploadsBefore) + touchEveryMs,
    outputsBefore,
    uploadsBefore,
    limit,
  );
  for (const { id, kind } of rows) forgetNames(db, id, kind);
  return rows.map((row) => row.id);
}

function forgetNames(db: DatabaseSync, asset: string, kind: string): void {
  if (kind === 'output') change(db, 'DELETE FROM named_files WHERE asset = ? AND job IS NOT NULL', asset);
  if (kind === 'upload') change(db, 'DELETE FROM named_files WHERE asset = ? AND job IS NULL', asset);
}

/** Of these ids, each once, those that no row names any more: another kind may still want the file. */
function withoutRow(db: DatabaseSync, ids: readonly string[]): string[] {
  const named = 'SELECT 1 FROM assets WHERE id = ? LIMIT 1';
  return [...new Set(ids)].filter((id) => all(db, named, id).length === 0);
}
