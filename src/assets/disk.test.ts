import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { assetsContract } from '../../test/contract/assets.ts';
import { createDiskAssets } from './disk.ts';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'comfleet-assets-'));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

assetsContract('disk', () => createDiskAssets({ folder: newFolder() }));

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

describe('assets on disk', () => {
  it('keeps each file once, in folders by its hash, and no temporary ones', async () => {
    const folder = newFolder();
    const assets = createDiskAssets({ folder });
    await Promise.all([assets.put(Buffer.from('abc')), assets.put(Readable.from([Buffer.from('abc')]))]);
    expect(filesIn(folder)).toEqual(['64/37/b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85']);
  });

  it('is there again after a restart, without the remains of a crash', async () => {
    const folder = newFolder();
    const { id } = await createDiskAssets({ folder }).put(Buffer.from('kept'));
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    writeFileSync(join(folder, 'tmp', '17'), 'half');
    const assets = createDiskAssets({ folder });
    expect((await assets.bytes(id)).toString()).toBe('kept');
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('leaves nothing behind when the file cannot be put in place', async () => {
    const folder = newFolder();
    const assets = createDiskAssets({ folder });
    writeFileSync(join(folder, '64'), 'a file where a folder must be');
    await expect(assets.put(Buffer.from('abc'))).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) as string });
    await expect(assets.put(Readable.from([Buffer.from('abc')]))).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST/) as string,
    });
    expect(filesIn(folder)).toEqual(['64']);
    rmSync(join(folder, '64'));
    expect(await assets.put(Buffer.from('abc'))).toMatchObject({ bytes: 3 });
  });
});
