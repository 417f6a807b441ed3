import { beforeEach, expect, test } from 'vitest';
import { seededRandom, VirtualClock } from '../../test/support/virtual-clock.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { createKeys } from './create-keys.ts';

let store: Store;
let clock: VirtualClock;
const reported: unknown[] = [];
const open = (used = store) =>
  createKeys({ store: used, clock, random: seededRandom(7, clock), workspace: 'local', report: (error) => void reported.push(error) });
beforeEach(() => {
  store = createMemoryStore();
  clock = new VirtualClock();
  reported.length = 0;
});

test('a secret is shown once; the store has only its hash', async () => {
  const keys = await open();
  const { key, secret } = await keys.create('ci', 'invoke');
  expect(secret).toMatch(/^cfk_[0-9A-Za-z]{43}$/);
  expect(key).toMatchObject({ name: 'ci', role: 'invoke', tail: secret.slice(-4), workspace: 'local', revokedAt: null, lastUsedAt: null });
  expect(JSON.stringify(await store.keys())).not.toContain(secret);
  expect((await keys.create('two', 'admin')).secret).not.toBe(secret);
});

test('keys outlive the process, revoked ones too', async () => {
  const keys = await open();
  const good = await keys.create('good', 'admin');
  const bad = await keys.create('bad', 'admin');
  await keys.revoke(bad.key.id);
  const again = await open();
  expect(again.verify(good.secret)).toMatchObject({ id: good.key.id });
  expect(again.verify(bad.secret)).toBeNull();
  expect(again.list().map(({ name }) => name)).toEqual(['good', 'bad']);
});

test('any is about keys that are good for something', async () => {
  const keys = await open();
  expect(keys.any()).toBe(false);
  const { key } = await keys.create('one', 'admin');
  expect(keys.any()).toBe(true);
  await keys.revoke(key.id);
  expect(keys.any()).toBe(false);
});

test('revoking twice keeps the first time; an unknown id is an error', async () => {
  const keys = await open();
  const { key } = await keys.create('one', 'admin');
  const { revokedAt } = await keys.revoke(key.id);
  await clock.runFor(1_000);
  expect((await keys.revoke(key.id)).revokedAt).toBe(revokedAt);
  await expect(keys.revoke('nonsense')).rejects.toMatchObject({ code: 'not_found' });
});

test('whoever holds something open by a key learns once that it was revoked', async () => {
  const keys = await open();
  const [{ key }, other] = [await keys.create('one', 'admin'), await keys.create('two', 'admin')];
  const told: string[] = [];
  keys.onRevoked(key.id, () => told.push('first'));
  keys.onRevoked(key.id, () => told.push('gone'))();
  keys.onRevoked(other.key.id, () => told.push('other'));
  await keys.revoke(key.id);
  await keys.revoke(key.id);
  expect(told).toEqual(['first']);
  keys.onRevoked(key.id, () => told.push('late'));
  keys.onRevoked('nonsense', () => told.push('unknown'));
  expect(told).toEqual(['first', 'late', 'unknown']);
});

test('a key that is used while it is being revoked stays revoked', async () => {
  const keys = await open();
  const { key, secret } = await keys.create('one', 'admin');
  await clock.runFor(60_000);
  const revoking = keys.revoke(key.id);
  expect(keys.verify(secret)).toBeNull();
  await revoking;
  expect((await open()).verify(secret)).toBeNull();
});

test('a key that could not be revoked is good as before', async () => {
  let broken = false;
  const keys = await open({ ...store, saveKey: (key) => (broken ? Promise.reject(new Error('disk')) : store.saveKey(key)) });
  const { key, secret } = await keys.create('one', 'admin');
  broken = true;
  await expect(keys.revoke(key.id)).rejects.toThrow('disk');
  expect(keys.verify(secret)).not.toBeNull();
  broken = false;
  expect((await keys.revoke(key.id)).revokedAt).not.toBeNull();
});

test('the last use is noted at most once a minute, and a store that fails does not refuse the caller', async () => {
  let writes = 0;
  const failing = {
    ...store,
    saveKey: (key: Parameters<Store['saveKey']>[0]) => (
      (writes += 1),
      writes === 1 ? store.saveKey(key) : Promise.reject(new Error('disk'))
    ),
  };
  const keys = await open(failing);
  const { secret } = await keys.create('one', 'admin');
  await clock.runFor(5);
  for (let use = 0; use < 3; use++) expect(keys.verify(secret)).not.toBeNull();
  expect(writes).toBe(2);
  expect(keys.list()[0]!.lastUsedAt).toBe(clock.now());
  await clock.runFor(60_000);
  expect(keys.verify(secret)).not.toBeNull();
  expect(writes).toBe(3);
  await clock.runFor(1);
  expect(reported).toHaveLength(2);
});
