import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

  it.each([
    ['a file stands where a folder must be', (path: string) => writeFileSync(path, 'in the way'), ['64']],
    ['a folder cannot be made', (path: string) => symlinkSync(`${path}-nowhere/x`, path), []],
  ])('leaves nothing behind when %s, and goes on afterwards', async (_what, spoil, left) => {
    const folder = newFolder();
    const assets = createDiskAssets({ folder });
    spoil(join(folder, '64'));
    await expect(assets.put(Buffer.from('abc'))).rejects.toThrow(/^E[A-Z]+/);
    await expect(assets.put(Readable.from([Buffer.from('abc')]))).rejects.toThrow(/^E[A-Z]+/);
    expect(filesIn(folder)).toEqual(left);
    rmSync(join(folder, '64'));
    expect(await assets.put(Buffer.from('abc'))).toMatchObject({ bytes: 3 });
  });
});
