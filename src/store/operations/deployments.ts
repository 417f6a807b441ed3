import type { DatabaseSync } from 'node:sqlite';
import { all, change, one } from '../../sqlite/connection.ts';

/** What `saveDeployment` writes; records are JSON. */
export interface DeploymentWrite {
  workspace: string;
  environment: string;
  name: string;
  revision: string;
  isDefault: boolean;
  createdAt: number;
  record: string;
  newRevision: { id: string; createdAt: number; record: string; assets: string[] } | null;
}

export interface DeploymentRow {
  record: string;
  is_default: number;
}

/** See `Store.saveDeployment`. A revision never changes, so one that is there already stays as it is. */
export function saveDeployment(db: DatabaseSync, input: DeploymentWrite): void {
  const { workspace, environment, name, newRevision } = input;
  if (input.isDefault) {
    change(db, 'UPDATE deployments SET is_default = 0 WHERE workspace = ? AND environment = ? AND is_default = 1', workspace, environment);
  }
  change(
    db,
    `INSERT INTO deployments (workspace, environment, name, revision, is_default, created_at, record) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET revision = excluded.revision, is_default = excluded.is_default, record = excluded.record`,
    workspace,
    environment,
    name,
    input.revision,
    input.isDefault ? 1 : 0,
    input.createdAt,
    input.record,
  );
  if (!newRevision) return;
  change(
    db,
    'INSERT INTO revisions (id, workspace, environment, deployment, created_at, record) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    newRevision.id,
    workspace,
    environment,
    name,
    newRevision.createdAt,
    newRevision.record,
  );
  for (const asset of newRevision.assets) {
    change(db, 'INSERT INTO revision_assets (asset, revision) VALUES (?, ?) ON CONFLICT DO NOTHING', asset, newRevision.id);
  }
}

/** See `Store.deployments`. Whether it is the default stands in the column only: another deployment's write can change it. */
export function deployments(db: DatabaseSync): DeploymentRow[] {
  return all<DeploymentRow>(db, 'SELECT record, is_default FROM deployments ORDER BY created_at, environment, name');
}

/** See `Store.revision`; JSON. */
export function revision(db: DatabaseSync, id: string): string | null {
  const row = one(db, 'SELECT record FROM revisions WHERE id = ?', id) as { record: string } | undefined;
  return row?.record ?? null;
}
