import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { migrate, schemaOf } from './migrations.ts';

function migrated(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  return db;
}

test('the migrations make what schema.sql says', () => {
  expect(schemaOf(migrated())).toBe(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'));
});

test('migrating again changes nothing', () => {
  const db = migrated();
  const version = db.prepare('SELECT max(version) AS version, count(*) AS steps FROM schema_migrations').get();
  db.exec(`INSERT INTO documents (name, value, updated_at) VALUES ('a', '1', 0)`);
  migrate(db);
  expect(db.prepare('SELECT max(version) AS version, count(*) AS steps FROM schema_migrations').get()).toEqual(version);
  expect(db.prepare('SELECT count(*) AS count FROM documents').get()).toEqual({ count: 1 });
});

test('what an older comfleet wrote stays', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, 1);
  db.exec(`INSERT INTO decisions (seq, at, deployment, kind, reason, data, hash) VALUES (1, 0, 'collage', 'scale', 'r', '{}', 'h')`);
  migrate(db);
  expect(schemaOf(db)).toBe(schemaOf(migrated()));
  expect(db.prepare('SELECT seq, environment FROM decisions').all()).toEqual([{ seq: 1, environment: 'production' }]);
});

test('a database of a newer comfleet is refused and stays as it is', () => {
  const db = migrated();
  db.exec('INSERT INTO schema_migrations (version) VALUES (999)');
  const before = schemaOf(db);
  expect(() => migrate(db)).toThrow(expect.objectContaining({ code: 'data_folder_newer', message: expect.stringContaining('999') }));
  expect(schemaOf(db)).toBe(before);
  expect(db.isTransaction).toBe(false);
});

test('a migration that fails leaves nothing behind', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE documents (other TEXT)');
  expect(() => migrate(db)).toThrow('documents');
  expect(schemaOf(db)).toBe('CREATE TABLE documents (other TEXT);\n');
});

test('what a workspace owns names it, with environment and revision, from the first version on', () => {
  const db = migrated();
  const columns = (table: string) =>
    db
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map((row) => row['name']);
  for (const table of ['jobs', 'deployments', 'containers']) {
    expect([table, columns(table)]).toEqual([table, expect.arrayContaining(['workspace', 'environment', 'revision'])]);
  }
});
