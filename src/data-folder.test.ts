import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openDataFolder } from './data-folder.ts';

const base = mkdtempSync(join(tmpdir(), 'comfleet-folder-'));
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('makes the folder with every level above it, and gives it to one owner at a time', () => {
  const path = join(base, 'a', 'b');
  const folder = openDataFolder(path);
  folder.announce('http://127.0.0.1:1');
  expect(() => openDataFolder(path)).toThrow(
    expect.objectContaining({ code: 'data_folder_in_use', message: expect.stringContaining('127.0.0.1:1') }),
  );
  folder.release();
  openDataFolder(path).release();
});

test.each([
  ['a place where no folder can be made', () => '/proc/comfleet/x'],
  [
    'a file',
    () => {
      openDataFolder(base).release();
      writeFileSync(join(base, 'file'), '');
      return join(base, 'file');
    },
  ],
])('%s is refused with what to do', (_what, path) => {
  expect(() => openDataFolder(path())).toThrow(expect.objectContaining({ code: 'data_folder_unusable' }));
});
