import type { DatabaseSync } from 'node:sqlite';
import { ComfleetError } from '../errors.ts';

/** What a database can be asked, by name: each operation is synchronous and whole. */
export type Operations = Readonly<Record<string, (db: DatabaseSync, input: never) => unknown>>;

/** One operation on its way to a connection. */
export interface Call {
  name: string;
  input: unknown;
}

/** Results in the order of the calls; a failed call has its error in `failures` and undefined here. */
export interface Outcome {
  results: unknown[];
  failures: { index: number; error: ComfleetError }[];
}

/**
 * Runs writes in one transaction: one sync of the disk for all. When any of them fails, nothing of the batch has happened, and
 * each is tried again in a transaction of its own, so that one failure never spoils the others. The failing case may cost.
 */
export function writeBatch(db: DatabaseSync, operations: Operations, calls: readonly Call[]): Outcome {
  try {
    return { results: transaction(db, () => calls.map((call) => execute(db, operations, call))), failures: [] };
  } catch (error) {
    if (calls.length === 1) return { results: [undefined], failures: [{ index: 0, error: storeError(error) }] };
    return each(calls, (call) => transaction(db, () => execute(db, operations, call)));
  }
}

/** Runs reads one after the other, each on its own. */
export function readBatch(db: DatabaseSync, operations: Operations, calls: readonly Call[]): Outcome {
  return each(calls, (call) => execute(db, operations, call));
}

function each(calls: readonly Call[], run: (call: Call) => unknown): Outcome {
  const outcome: Outcome = { results: [], failures: [] };
  for (const [index, call] of calls.entries()) {
    try {
      outcome.results.push(run(call));
    } catch (error) {
      outcome.results.push(undefined);
      outcome.failures.push({ index, error: storeError(error) });
    }
  }
  return outcome;
}

function transaction<Result>(db: DatabaseSync, run: () => Result): Result {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = run();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(db);
    throw error;
  }
}

function rollBack(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    // A full disk makes SQLite roll back by itself, and then there is nothing to end. (Older Nodes cannot tell beforehand.)
  }
}

function execute(db: DatabaseSync, operations: Operations, { name, input }: Call): unknown {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`there is no operation ${name}`);
  // Whoever calls ties the input to the name.
  return operation(db, input as never);
}

/** Primary result codes of SQLite that speak of a mistake in comfleet, not of the disk: ERROR, MISMATCH, MISUSE, RANGE, CONSTRAINT. */
const mistakes = new Set([1, 19, 20, 21, 25]);

/** Any error of a database as the port's: `store_failed` for the disk's, which may pass; `internal` for comfleet's own. */
export function storeError(error: unknown): ComfleetError {
  if (error instanceof ComfleetError) return error;
  const { message, errcode } = error as Error & { errcode?: number };
  const mistake = errcode === undefined || mistakes.has(errcode & 0xff);
  return new ComfleetError(mistake ? 'internal' : 'store_failed', `The database: ${message}`, {}, { cause: error });
}
