import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../test/support/supervised.ts';
import { openDataFolder } from './data-folder.ts';
import { takeLock } from './lock.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

test('only one has the lock, until it is released', () => {
  const file = join(folder.path, 'a.lock');
  const lock = takeLock(file);
  expect(takeLock(file)).toBeNull();
  lock!.release();
  lock!.release();
  const next = takeLock(file);
  expect(next).not.toBeNull();
  next!.release();
});

test('a lock is held for as long as the process lives, whether or not anybody remembers it', async () => {
  const file = join(folder.path, 'a.lock');
  const taken = (): boolean => takeLock(file) !== null;
  expect(taken()).toBe(true);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 5; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(taken()).toBe(false);
});

test('a data folder has one owner, which says where it listens', () => {
  const path = join(folder.path, 'data');
  const owner = openDataFolder(path);
  expect(() => openDataFolder(path)).toThrow(expect.objectContaining({ code: 'data_folder_in_use' }) as Error);
  owner.announce('http://127.0.0.1:8288');
  expect(() => openDataFolder(path)).toThrow(`${path} is used by another comfleet (process ${process.pid}, http://127.0.0.1:8288)`);
  owner.release();
  openDataFolder(path).release();
});
