import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { assetsContract } from '../../test/contract/assets.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Clock } from '../fleet/clock.ts';
import { namingMs } from './assets.ts';
import { openDiskAssets, type DiskAssets } from './disk.ts';
import { createMemoryAssets } from './memory.ts';

const folders: string[] = [];
const opened: DiskAssets[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'comfleet-assets-'));
  folders.push(folder);
  return folder;
};
const open = async (folder: string, clock: Pick<Clock, 'now'> = new VirtualClock()): Promise<DiskAssets> => {
  const assets = await openDiskAssets({ folder, clock });
  opened.push(assets);
  return assets;
};
afterAll(async () => {
  await Promise.all(opened.map((assets) => assets.close()));
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});

assetsContract('disk', (clock) => open(newFolder(), clock));

/** Beside the database of small ones. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('small.db'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

const small = Buffer.from('abc');
/** More than is kept in the database, and more than is gathered in memory. */
const [medium, large] = [Buffer.alloc(100_000, 5), Buffer.alloc(300_000, 7)];

describe('assets on disk', () => {
  it('keeps each large file once, in folders by its hash, and no temporary ones', async () => {
    const folder = newFolder();
    const assets = await open(folder);
    const puts = [small, medium, large].flatMap((bytes) => [assets.put(bytes), assets.put(Readable.from([bytes])), assets.put(bytes)]);
    const ids = new Set((await Promise.all(puts)).map(({ id }) => id));
    const [first, ...others] = [...ids].map((id) => id.slice('blake3:'.length));
    expect(first).toBe('6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85');
    expect(filesIn(folder).sort()).toEqual(others.map((hash) => `${hash.slice(0, 2)}/${hash.slice(2)}`).sort());
  });

  it('is there again after a restart, without the remains of a crash', async () => {
    const folder = newFolder();
    const before = await open(folder);
    const ids = await Promise.all([small, large].map(async (bytes) => (await before.put(bytes)).id));
    await before.close();
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    writeFileSync(join(folder, 'tmp', '17'), 'half');
    const assets = await open(folder);
    expect(await Promise.all(ids.map((id) => assets.bytes(id)))).toEqual([small, large]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('reads a small file that lies in a file of its own', async () => {
    const folder = newFolder();
    const { id } = await createMemoryAssets(new VirtualClock()).put(small);
    const hash = id.slice('blake3:'.length);
    mkdirSync(join(folder, hash.slice(0, 2)));
    writeFileSync(join(folder, hash.slice(0, 2), hash.slice(2)), small);
    const assets = await open(folder);
    expect(await assets.bytes(id)).toEqual(small);
    expect(await assets.keep(id)).toBe(true);
  });

  it('gives the room of removed small files back to the disk', async () => {
    const folder = newFolder();
    const clock = new VirtualClock();
    const before = await open(folder, clock);
    const ids = await Promise.all(Array.from({ length: 100 }, async (_, index) => (await before.put(Buffer.alloc(50_000, index))).id));
    await clock.runFor(namingMs);
    expect(await before.remove(ids)).toEqual([]);
    await before.close();
    expect(statSync(join(folder, 'small.db')).size).toBeLessThan(200_000);
  });

  it.each([
    ['a file stands where a folder must be', (path: string) => writeFileSync(path, 'in the way'), true],
    ['a folder cannot be made', (path: string) => symlinkSync(`${path}-nowhere/x`, path), false],
  ])('leaves nothing behind when %s, and goes on afterwards', async (_what, spoil, left) => {
    for (const bytes of [medium, large]) {
      const folder = newFolder();
      const assets = await open(folder);
      const name = (await createMemoryAssets(new VirtualClock()).put(bytes)).id.slice('blake3:'.length).slice(0, 2);
      spoil(join(folder, name));
      await expect(assets.put(bytes)).rejects.toThrow(/^E[A-Z]+/);
      await expect(assets.put(Readable.from([bytes]))).rejects.toThrow(/^E[A-Z]+/);
      expect(filesIn(folder)).toEqual(left ? [name] : []);
      rmSync(join(folder, name));
      expect(await assets.put(bytes)).toMatchObject({ bytes: bytes.length });
    }
  });

  it('says when its database is none', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'small.db'), 'this is no database, and long enough to be seen as none'.repeat(20));
    await expect(openDiskAssets({ folder, clock: new VirtualClock() })).rejects.toMatchObject({
      code: 'database_unusable',
      message: `${join(folder, 'small.db')}: file is not a database`,
    });
  });
});
