import type { DatabaseSync } from 'node:sqlite';
import { change, one } from '../sqlite/connection.ts';

/** What the thread of small files can be asked. Its database has one table, made where it is missing. */
export const operations = { put, content, size, remove };

export function prepare(db: DatabaseSync): void {
  db.exec('CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, content BLOB NOT NULL)');
}

function put(db: DatabaseSync, file: { id: string; content: Uint8Array }): void {
  change(db, 'INSERT OR IGNORE INTO files (id, content) VALUES (?, ?)', file.id, file.content);
}

function content(db: DatabaseSync, id: string): Uint8Array | null {
  return (one(db, 'SELECT content FROM files WHERE id = ?', id)?.['content'] as Uint8Array | undefined) ?? null;
}

function size(db: DatabaseSync, id: string): number | null {
  return (one(db, 'SELECT length(content) AS bytes FROM files WHERE id = ?', id)?.['bytes'] as number | undefined) ?? null;
}

/** The disk gets the room back. */
function remove(db: DatabaseSync, id: string): void {
  if (change(db, 'DELETE FROM files WHERE id = ?', id) > 0) db.exec('PRAGMA incremental_vacuum');
}
