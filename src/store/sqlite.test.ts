import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { brokenPromises, histories, play } from '../../test/contract/store-operations.ts';
import { requestOf, started, submitted, succeeded, t0 } from '../../test/contract/store-samples.ts';
import { storeContract } from '../../test/contract/store.ts';
import { createMemoryStore } from './memory.ts';
import type { Store } from './store.ts';
import { hasWalResetRace, openSqliteStore } from './sqlite.ts';

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'comfleet-store-'));

/** One store serves all tests of the contract, emptied between them, because opening one takes two threads. */
let shared: { store: Store; folder: string } | null = null;

async function discardShared(): Promise<void> {
  await shared?.store.close();
  if (shared) rmSync(shared.folder, { recursive: true });
  shared = null;
}

afterAll(discardShared);

storeContract('sqlite', async () => {
  if (shared === null) {
    const folder = newFolder();
    shared = { folder, store: await openSqliteStore({ file: join(folder, 'comfleet.db') }) };
  }
  const { store, folder } = shared;
  return {
    store,
    async dispose() {
      const open = await store.document('').then(
        () => true,
        () => false,
      );
      if (open) emptyTables(join(folder, 'comfleet.db'));
      else await discardShared();
    },
  };
});

function emptyTables(file: string): void {
  const db = new DatabaseSync(file);
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_migrations'").all();
  db.exec(`BEGIN; ${tables.map((table) => `DELETE FROM ${String(table['name'])};`).join('')} COMMIT`);
  db.close();
}

describe('a store on a file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = join(folder, 'comfleet.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('everything is there after closing and opening again', async () => {
    const first = await openSqliteStore({ file });
    await succeeded(first, 'a', t0);
    await submitted(first, 'b');
    const before = await first.jobs({ limit: 10 });
    await first.close();
    const second = await openSqliteStore({ file });
    expect(await second.jobs({ limit: 10 })).toEqual(before);
    await second.close();
  });

  test('one submission that fails spoils no other of its batch', async () => {
    const store = await openSqliteStore({ file });
    const other = new DatabaseSync(file);
    other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON jobs WHEN NEW.deployment = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    other.close();
    const ids = Array.from({ length: 20 }, (_, i) => `job-${i}`);
    const settled = await Promise.allSettled(
      ids.map((id, i) => store.submit({ id, at: t0, request: requestOf({ deployment: i === 7 ? 'bad' : 'good' }) })),
    );
    expect(settled.map(({ status }) => status)).toEqual(ids.map((_, i) => (i === 7 ? 'rejected' : 'fulfilled')));
    expect((await store.jobs({ limit: 100 })).items).toHaveLength(19);
    await store.close();
  });

  test('two gateways on one file: one lease, and each job starts once', async () => {
    const [a, b] = await Promise.all([openSqliteStore({ file }), openSqliteStore({ file })]);
    const lease = { name: 'controller', at: t0, ttlMs: 1_000 };
    const epochs = await Promise.all([a.acquireLease({ ...lease, holder: 'a' }), b.acquireLease({ ...lease, holder: 'b' })]);
    expect(epochs.toSorted()).toEqual([1, null]);
    const ids = Array.from({ length: 50 }, (_, i) => `job-${i}`);
    await Promise.all(ids.map((id) => submitted(a, id)));
    const start = (id: string, container: string) => ({ job: id, container, epoch: 1, at: t0, coldMs: 0, reason: '' });
    const attempts = await Promise.all(ids.flatMap((id) => [a.startAttempt(start(id, 'a')), b.startAttempt(start(id, 'b'))]));
    expect(attempts.filter((attempt) => attempt !== null)).toHaveLength(50);
    expect(await a.unfinishedJobs()).toEqual(await b.unfinishedJobs());
    await Promise.all([a.close(), b.close()]);
  });

  test('a newer database, a file that is none, a folder that is missing: each says so', async () => {
    await (await openSqliteStore({ file })).close();
    const db = new DatabaseSync(file);
    db.exec('INSERT INTO schema_migrations (version) VALUES (999)');
    db.close();
    await expect(openSqliteStore({ file })).rejects.toMatchObject({ code: 'data_folder_newer' });
    const text = join(folder, 'text.db');
    writeFileSync(text, 'this is no database '.repeat(200));
    await expect(openSqliteStore({ file: text })).rejects.toMatchObject({ code: 'database_unusable' });
    await expect(openSqliteStore({ file: join(folder, 'none', 'x.db') })).rejects.toMatchObject({ code: 'database_unusable' });
  });

  test('the same history gives the same answers as in memory, and every promise holds', async () => {
    const property = fc.asyncProperty(histories, async (steps) => {
      const sqlite = await openSqliteStore({ file: join(mkdtempSync(join(folder, 'run-')), 'comfleet.db') });
      const memory = createMemoryStore();
      try {
        expect(await play(sqlite, steps)).toEqual(await play(memory, steps));
        expect(await brokenPromises(sqlite)).toEqual([]);
      } finally {
        await Promise.all([sqlite.close(), memory.close()]);
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });

  test('kill -9 while it writes: nothing acknowledged is lost', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 10; round++) {
      const acknowledged = await killedAfter(file, `round-${round}`, 100 + round * 37);
      const store = await openSqliteStore({ file });
      for (const [id, state] of acknowledged) {
        const job = await store.job(id);
        expect([id, order.indexOf(job?.state ?? '')]).toEqual([id, expect.toSatisfy((now: number) => now >= order.indexOf(state))]);
        if (job?.state === 'succeeded') expect(await store.deliveries(id)).toHaveLength(1);
      }
      await store.close();
      const db = new DatabaseSync(file);
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      db.close();
    }
    const store = await openSqliteStore({ file });
    expect(await brokenPromises(store)).toEqual([]);
    await store.close();
  });
});

const order = ['queued', 'running', 'succeeded'];

/** Runs the writing child and kills it after so many lines; the last acknowledged state of each job. */
async function killedAfter(file: string, prefix: string, lines: number): Promise<Map<string, string>> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../test/contract/store-kill-child.ts', import.meta.url)), file, prefix],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const acknowledged = new Map<string, string>();
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [state = '', id = ''] = line.split(' ');
    acknowledged.set(id, state);
    if (++count === lines) child.kill('SIGKILL');
  }
  await exited;
  expect(count).toBeGreaterThanOrEqual(lines);
  return acknowledged;
}

test('reads go through the writer where two connections are not safe', () => {
  expect(['3.46.1', '3.51.2', '3.51.3', '3.53.4', '4.0.0'].map(hasWalResetRace)).toEqual([true, true, false, false, false]);
});

test('a running attempt survives the gateway: token and attempt are found again', async () => {
  const folder = newFolder();
  const file = join(folder, 'comfleet.db');
  const first = await openSqliteStore({ file });
  await submitted(first, 'a');
  const attempt = await started(first, 'a');
  await first.close();
  const second = await openSqliteStore({ file });
  expect(await second.unfinishedJobs()).toMatchObject([{ job: { id: 'a', token: 1 }, attempt }]);
  await second.close();
  rmSync(folder, { recursive: true });
});
