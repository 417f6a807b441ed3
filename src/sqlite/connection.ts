import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';

/** Another process may hold the file for a moment (a backup, a second gateway); longer than this is an error. */
const busyTimeoutMs = 5_000;

/**
 * The writing connection of a database file: write-ahead log, and every commit synced before it counts. One that `shrinks` gives its free
 * pages back at `PRAGMA incremental_vacuum`, which is settled when the file is made.
 */
export function openForWriting(file: string, { shrinks = false } = {}): DatabaseSync {
  const db = new DatabaseSync(file);
  if (shrinks) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  // fullfsync matters on macOS only, where a plain fsync leaves the data in the drive's cache.
  db.exec(`
    PRAGMA busy_timeout = ${busyTimeoutMs};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA cache_size = -16000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA temp_store = MEMORY;
  `);
  return db;
}

/** A connection that only reads; it sees each commit as soon as it was made. */
export function openForReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  return db;
}

const caches = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

function prepared(db: DatabaseSync, sql: string): StatementSync {
  let cache = caches.get(db);
  if (cache === undefined) caches.set(db, (cache = new Map()));
  let statement = cache.get(sql);
  if (statement === undefined) cache.set(sql, (statement = db.prepare(sql)));
  return statement;
}

/** The first row, by a statement that is prepared once for each connection. */
export function one(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue> | undefined {
  return prepared(db, sql).get(...values);
}

/** Every row, likewise. */
export function all<Row>(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): Row[] {
  return prepared(db, sql).all(...values) as Row[];
}

/** One row after the other, likewise: for who does not want to hold them all. */
export function each<Row>(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): Iterable<Row> {
  return prepared(db, sql).iterate(...values) as Iterable<Row>;
}

/** Runs a change, likewise. The answer is the number of rows changed. */
export function change(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): number {
  return Number(prepared(db, sql).run(...values).changes);
}
