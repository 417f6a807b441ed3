import type { DatabaseSync } from 'node:sqlite';
import { change, one } from '../../sqlite/connection.ts';

/** See `Store.document`; JSON. */
export function document(db: DatabaseSync, name: string): string | null {
  const row = one(db, 'SELECT value FROM documents WHERE name = ?', name) as { value: string } | undefined;
  return row?.value ?? null;
}

/** See `Store.saveDocument`; JSON. */
export function saveDocument(db: DatabaseSync, input: { name: string; value: string; at: number }): void {
  if (input.value === 'null') change(db, 'DELETE FROM documents WHERE name = ?', input.name);
  else change(db, 'INSERT OR REPLACE INTO documents (name, value, updated_at) VALUES (?, ?, ?)', input.name, input.value, input.at);
}
