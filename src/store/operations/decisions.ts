import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { all, change } from '../../sqlite/connection.ts';
import type { DecisionRow } from '../rows.ts';

/** See `Store.recordDecision`. Numbers rise over restarts too, so that pages by number hold. */
export function recordDecision(db: DatabaseSync, decision: DecisionRow): void {
  change(
    db,
    `INSERT INTO decisions (seq, at, deployment, environment, kind, reason, data, hash)
     SELECT max(?, coalesce(max(seq), 0) + 1), ?, ?, ?, ?, ?, ?, ? FROM decisions`,
    decision.seq,
    decision.at,
    decision.deployment,
    decision.environment,
    decision.kind,
    decision.reason,
    decision.data,
    decision.hash,
  );
}

/** See `Store.decisions`. */
export function decisions(db: DatabaseSync, filter: { deployment?: string; before?: number; limit: number }): DecisionRow[] {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  if (filter.deployment !== undefined) {
    terms.push('deployment = ?');
    values.push(filter.deployment);
  }
  if (filter.before !== undefined) {
    terms.push('seq < ?');
    values.push(filter.before);
  }
  const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
  return all<DecisionRow>(db, `SELECT * FROM decisions ${where} ORDER BY seq DESC LIMIT ?`, ...values, filter.limit);
}
