import type { DatabaseSync } from 'node:sqlite';
import { change, one } from '../../sqlite/connection.ts';

/** See `Store.acquireLease`. */
export function acquireLease(
  db: DatabaseSync,
  input: { name: string; holder: string; at: number; ttlMs: number; takeOver?: boolean },
): number | null {
  const lease = one(db, 'SELECT holder, epoch, expires_at FROM leases WHERE name = ?', input.name) as
    | { holder: string; epoch: number; expires_at: number }
    | undefined;
  const held = lease !== undefined && lease.expires_at > input.at;
  const own = held && lease.holder === input.holder;
  if (held && !own && input.takeOver !== true) return null;
  const epoch = own ? lease.epoch : (lease?.epoch ?? 0) + 1;
  change(
    db,
    'INSERT OR REPLACE INTO leases (name, holder, epoch, expires_at) VALUES (?, ?, ?, ?)',
    input.name,
    input.holder,
    epoch,
    input.at + input.ttlMs,
  );
  return epoch;
}
