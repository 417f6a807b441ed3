import type { DatabaseSync } from 'node:sqlite';
import { change } from '../../sqlite/connection.ts';

/**
 * See `Store.touchAsset`. The same bytes can be an upload and an output: each kind has its own age, and the file goes when
 * no kind wants it any more.
 */
export function touchAsset(
  db: DatabaseSync,
  input: { id: string; bytes: number; kind: 'upload' | 'output' | 'workflow'; at: number },
): void {
  change(
    db,
    `INSERT INTO assets (id, kind, bytes, used_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET used_at = excluded.used_at WHERE excluded.used_at > used_at`,
    input.id,
    input.kind,
    input.bytes,
    input.at,
  );
}
