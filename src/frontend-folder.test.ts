import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFrontend } from './frontend-folder.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'comfleet-frontend-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test.each(['', 'static', 'comfyui_frontend_package/static', 'lib/python3.12/site-packages/comfyui_frontend_package/static'])(
  'the page is found in %j below the folder',
  (place) => {
    mkdirSync(join(folder, place), { recursive: true });
    writeFileSync(join(folder, place, 'index.html'), '');
    expect(findFrontend(folder)).toBe(join(folder, place));
  },
);

test('a folder without it, or none at all, is refused with the command that makes it', () => {
  for (const place of [folder, join(folder, 'none')]) {
    expect(() => findFrontend(place)).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining('pip install') }),
    );
  }
});
