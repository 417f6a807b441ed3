import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../store/migrations.ts';
import { operations } from '../store/operations.ts';
import { readBatch, writeBatch, type Call } from './batch.ts';
import { openForWriting } from './connection.ts';

let folder: string;
let db: DatabaseSync;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'comfleet-batch-'));
  db = openForWriting(join(folder, 'comfleet.db'));
  migrate(db);
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const save = (name: string, bytes = 1): Call => ({
  name: 'saveDocument',
  input: { name, value: JSON.stringify('x'.repeat(bytes)), at: 0 },
});
const read = (name: string): unknown => readBatch(db, operations, [{ name: 'document', input: name }]).results[0];

/** Commits that another connection notices. */
function commitsDuring(run: () => void): number {
  const version = () => Number(other.prepare('PRAGMA data_version').get()?.['data_version']);
  const other = new DatabaseSync(join(folder, 'comfleet.db'));
  const before = version();
  run();
  const commits = version() - before;
  other.close();
  return commits;
}

test('a commit is on disk before it counts', () => {
  expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
});

test('a batch is one commit', () => {
  expect(commitsDuring(() => writeBatch(db, operations, [save('a'), save('b'), save('c')]))).toBe(1);
  expect(read('c')).toBe('"x"');
});

test('a call that fails spoils no other, and keeps its place', () => {
  db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON documents WHEN NEW.name = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  const outcome = writeBatch(db, operations, [
    save('a'),
    save('bad'),
    { name: 'acquireLease', input: { name: 'l', holder: 'h', at: 0, ttlMs: 1 } },
  ]);
  expect(outcome.results).toEqual([undefined, undefined, 1]);
  expect(outcome.failures).toMatchObject([{ index: 1, error: { code: 'internal', message: 'The database: refused' } }]);
  expect([read('a'), read('bad')]).toEqual(['"x"', null]);
});

test('a full disk refuses what does not fit with store_failed, keeps the rest, and later there may be room again', () => {
  const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
  db.exec(`PRAGMA max_page_count = ${pages + 8}`);
  const outcome = writeBatch(db, operations, [save('small'), save('large', 1_000_000), save('small too')]);
  expect(outcome.failures).toMatchObject([{ index: 1, error: { code: 'store_failed' } }]);
  expect([read('small'), read('large'), read('small too')]).toEqual(['"x"', null, '"x"']);
  expect(writeBatch(db, operations, [save('large', 1_000_000)]).failures).toMatchObject([{ index: 0, error: { code: 'store_failed' } }]);
  expect(db.isTransaction).toBe(false);
  db.exec('PRAGMA max_page_count = 4294967294');
  expect(writeBatch(db, operations, [save('large', 1_000_000)]).failures).toEqual([]);
  expect(String(read('large'))).toHaveLength(1_000_002);
});

test('an operation that fails half-way changes nothing', () => {
  const request = {
    id: 'a',
    at: 0,
    workspace: 'w',
    environment: 'e',
    deployment: 'd',
    revision: 'r',
    source: 'simple',
    key: null,
    priority: 0,
    modelKey: '',
    deadlineAt: null,
    executionTimeoutMs: 1,
    webhook: null,
    content: '{}',
    assets: [],
    idempotency: null,
  };
  db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON job_contents BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  expect(writeBatch(db, operations, [{ name: 'submit', input: request }]).failures).toHaveLength(1);
  expect(db.prepare('SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM job_events) AS rows').get()).toEqual({ rows: 0 });
});

test('a read that fails spoils no other', () => {
  db.exec('DROP TABLE keys');
  const outcome = readBatch(db, operations, [
    { name: 'keys', input: undefined },
    { name: 'document', input: 'a' },
  ]);
  expect(outcome.results).toEqual([undefined, null]);
  expect(outcome.failures).toMatchObject([{ index: 0, error: { code: 'internal' } }]);
});
