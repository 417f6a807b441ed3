import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLog } from './log-file.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'comfleet-log-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test('lines are in the file when they have been logged', () => {
  openLog(folder).info({ event: 'first' }, 'one');
  expect(JSON.parse(readFileSync(join(folder, 'comfleet.log'), 'utf8'))).toMatchObject({ event: 'first', msg: 'one' });
});

const noFullDevice = !existsSync('/dev/full');

test.skipIf(noFullDevice)(`a full disk costs lines, not the process${noFullDevice ? ' (skipped: no /dev/full)' : ''}`, () => {
  symlinkSync('/dev/full', join(folder, 'comfleet.log'));
  const log = openLog(folder);
  for (let line = 0; line < 200; line++) log.error({ event: 'again', text: 'x'.repeat(10_000) }, 'no room');
});
