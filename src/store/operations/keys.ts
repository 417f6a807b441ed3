import type { DatabaseSync } from 'node:sqlite';
import { all, change } from '../../sqlite/connection.ts';

/** See `Store.saveKey`; the record is JSON. */
export function saveKey(db: DatabaseSync, key: { id: string; workspace: string; createdAt: number; record: string }): void {
  change(
    db,
    `INSERT INTO keys (id, workspace, created_at, record) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET workspace = excluded.workspace, record = excluded.record`,
    key.id,
    key.workspace,
    key.createdAt,
    key.record,
  );
}

/** See `Store.keys`. */
export function keys(db: DatabaseSync): { record: string }[] {
  return all<{ record: string }>(db, 'SELECT record FROM keys ORDER BY created_at, rowid');
}
