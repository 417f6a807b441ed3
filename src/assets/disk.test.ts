import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { assetsContract } from '../../test/contract/assets.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { createDiskAssets } from './disk.ts';
import { createMemoryAssets } from './memory.ts';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'comfleet-assets-'));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

assetsContract('disk', (clock) => createDiskAssets({ folder: newFolder(), clock }));

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

const clock = new VirtualClock();

/** More than is gathered in memory. */
const large = Buffer.alloc(300_000, 7);

describe('assets on disk', () => {
  it('keeps each file once, in folders by its hash, and no temporary ones', async () => {
    const folder = newFolder();
    const assets = createDiskAssets({ folder, clock });
    const puts = [Buffer.from('abc'), large].flatMap((bytes) => [assets.put(bytes), assets.put(Readable.from([bytes])), assets.put(bytes)]);
    const hashes = (await Promise.all(puts)).map(({ id }) => id.slice('blake3:'.length));
    expect(hashes[0]).toBe('6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85');
    expect(filesIn(folder).sort()).toEqual([...new Set(hashes)].map((hash) => `${hash.slice(0, 2)}/${hash.slice(2)}`).sort());
  });

  it('is there again after a restart, without the remains of a crash', async () => {
    const folder = newFolder();
    const { id } = await createDiskAssets({ folder, clock }).put(Buffer.from('kept'));
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    writeFileSync(join(folder, 'tmp', '17'), 'half');
    const assets = createDiskAssets({ folder, clock });
    expect((await assets.bytes(id)).toString()).toBe('kept');
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it.each([
    ['a file stands where a folder must be', (path: string) => writeFileSync(path, 'in the way'), true],
    ['a folder cannot be made', (path: string) => symlinkSync(`${path}-nowhere/x`, path), false],
  ])('leaves nothing behind when %s, and goes on afterwards', async (_what, spoil, left) => {
    for (const bytes of [Buffer.from('abc'), large]) {
      const folder = newFolder();
      const assets = createDiskAssets({ folder, clock });
      const name = (await createMemoryAssets(clock).put(bytes)).id.slice('blake3:'.length).slice(0, 2);
      spoil(join(folder, name));
      await expect(assets.put(bytes)).rejects.toThrow(/^E[A-Z]+/);
      await expect(assets.put(Readable.from([bytes]))).rejects.toThrow(/^E[A-Z]+/);
      expect(filesIn(folder)).toEqual(left ? [name] : []);
      rmSync(join(folder, name));
      expect(await assets.put(bytes)).toMatchObject({ bytes: bytes.length });
    }
  });
});
