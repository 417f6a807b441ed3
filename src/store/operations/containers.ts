import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { all, change } from '../../sqlite/connection.ts';
import type { ContainerFilter } from '../store.ts';

/** What `saveContainer` writes; the record is JSON, the columns are what is searched by. */
export interface ContainerWrite {
  id: string;
  workspace: string;
  environment: string;
  deployment: string;
  revision: string;
  epoch: number;
  state: string;
  startedAt: number;
  /** Null while it lives. */
  endedAt: number | null;
  record: string;
}

export interface ContainerRow {
  record: string;
}

/** See `Store.saveContainer`. */
export function saveContainer(db: DatabaseSync, container: ContainerWrite): void {
  change(
    db,
    `INSERT INTO containers (id, workspace, environment, deployment, revision, epoch, state, started_at, ended_at, record)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET workspace = excluded.workspace, environment = excluded.environment, deployment = excluded.deployment,
       revision = excluded.revision, epoch = excluded.epoch, state = excluded.state, started_at = excluded.started_at,
       ended_at = excluded.ended_at, record = excluded.record
     WHERE excluded.epoch >= epoch`,
    container.id,
    container.workspace,
    container.environment,
    container.deployment,
    container.revision,
    container.epoch,
    container.state,
    container.startedAt,
    container.endedAt,
    container.record,
  );
}

/** See `Store.containers`. */
export function containers(db: DatabaseSync, filter: ContainerFilter): ContainerRow[] {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  if (filter.id !== undefined) {
    terms.push('id = ?');
    values.push(filter.id);
  }
  if (filter.before !== undefined) {
    terms.push('(started_at, id) < (?, ?)');
    values.push(filter.before.startedAt, filter.before.id);
  }
  if (filter.alive === true) terms.push('ended_at IS NULL');
  if (filter.deployment !== undefined) {
    // Few containers live at once: for those `ended_at` leads, whatever the deployment.
    terms.push(filter.alive === true ? '+deployment = ?' : 'deployment = ?');
    values.push(filter.deployment);
  }
  const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
  return all<ContainerRow>(db, `SELECT record FROM containers ${where} ORDER BY started_at DESC, id DESC LIMIT ?`, ...values, filter.limit);
}

/** Containers whose life reaches into [from, to), for `Store.usage`, in no order. */
export function containersWithin(db: DatabaseSync, { from, to }: { from: number; to: number }): ContainerRow[] {
  return all<ContainerRow>(db, `SELECT record FROM containers WHERE (ended_at IS NULL OR ended_at > ?) AND +started_at < ?`, from, to);
}
