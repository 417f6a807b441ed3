import type { DatabaseSync } from 'node:sqlite';
import { all, change } from '../../sqlite/connection.ts';
import type { DeliveryRow } from '../rows.ts';
import type { Delivery } from '../store.ts';

/** See `Store.dueDeliveries`. */
export function dueDeliveries(db: DatabaseSync, input: { at: number; limit: number }): DeliveryRow[] {
  return all<DeliveryRow>(
    db,
    `SELECT * FROM deliveries WHERE state = 'pending' AND next_at <= ? ORDER BY next_at LIMIT ?`,
    input.at,
    input.limit,
  );
}

/** See `Store.saveDelivery`. Nothing is written for a job that was swept meanwhile. */
export function saveDelivery(db: DatabaseSync, delivery: Delivery): void {
  change(
    db,
    `INSERT INTO deliveries (id, job, url, event, state, tries, next_at, last_status, last_error, created_at)
     SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ? FROM jobs WHERE id = ?
     ON CONFLICT DO UPDATE SET url = excluded.url, event = excluded.event, state = excluded.state, tries = excluded.tries,
       next_at = excluded.next_at, last_status = excluded.last_status, last_error = excluded.last_error`,
    delivery.id,
    delivery.url,
    delivery.event,
    delivery.state,
    delivery.tries,
    delivery.nextAt,
    delivery.lastStatus,
    delivery.lastError,
    delivery.createdAt,
    delivery.job,
  );
}

/** See `Store.deliveries`, oldest first. */
export function deliveries(db: DatabaseSync, job: string): DeliveryRow[] {
  return all<DeliveryRow>(db, 'SELECT * FROM deliveries WHERE job = ? ORDER BY created_at, id', job);
}
