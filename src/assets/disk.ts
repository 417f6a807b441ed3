import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Asset, Assets } from './assets.ts';
import { assetId, giveBack, idOf, isAssetId, takeHasher } from './hash.ts';
import { checkSize, limited, noAsset } from './limit.ts';

/**
 * Assets in a folder: `<first two hex digits>/<next two>/<the rest>`. A file appears under its name only when it is whole and on
 * disk. The folder has one owner, so half-written files found at the start are remains of a crash and are removed.
 */
export function createDiskAssets({ folder }: { folder: string }): Assets {
  const temporary = join(folder, 'tmp');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  let counter = 0;
  /** Fan-out folders that are known to be on disk. */
  const folders = new Map<string, Promise<void>>();
  /** Files being put in place, so that two puts of the same bytes are both told only when they are safe. */
  const placing = new Map<string, Promise<void>>();

  function pathOf(id: string): { parents: [string, string]; path: string } {
    if (!isAssetId(id)) throw noAsset(id);
    const hex = id.slice('blake3:'.length);
    const first = join(folder, hex.slice(0, 2));
    const second = join(first, hex.slice(2, 4));
    return { parents: [first, second], path: join(second, hex.slice(4)) };
  }

  const sizeOf = async (path: string): Promise<number | null> => {
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  /** Makes a fan-out folder and its entry in the folder above durable; once for each. */
  function ensureFolder(path: string, above: string): Promise<void> {
    const known = folders.get(path);
    if (known) return known;
    const making = (async () => {
      if ((await mkdir(path, { recursive: true })) !== undefined) await syncFolder(above);
    })();
    folders.set(path, making);
    making.catch(() => folders.delete(path));
    return making;
  }

  /** Writes the bytes to a temporary file and syncs it; a failure leaves nothing. The answer is its path. */
  async function write(content: Buffer | AsyncIterable<Buffer>, onChunk: (chunk: Buffer) => void): Promise<string> {
    counter += 1;
    const path = join(temporary, String(counter));
    const file = await open(path, 'wx');
    try {
      if (Buffer.isBuffer(content)) await file.writeFile(content);
      else {
        for await (const chunk of content) {
          onChunk(chunk);
          await file.writeFile(chunk);
        }
      }
      await file.datasync();
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
    await file.close();
    return path;
  }

  /** Runs `place` unless the same asset is being placed or is there already. */
  async function once(id: string, place: () => Promise<void>): Promise<void> {
    const running = placing.get(id);
    if (running) return running;
    const { path } = pathOf(id);
    const placed = (async () => {
      if ((await sizeOf(path)) === null) await place();
    })().finally(() => placing.delete(id));
    placing.set(id, placed);
    return placed;
  }

  async function moveIntoPlace(from: string, id: string): Promise<void> {
    const { parents, path } = pathOf(id);
    await ensureFolder(parents[0], folder);
    await ensureFolder(parents[1], parents[0]);
    await rename(from, path);
    await syncFolder(parents[1]);
  }

  async function putBuffer(content: Buffer): Promise<Asset> {
    const id = await assetId(content);
    await once(id, async () => moveIntoPlace(await write(content, () => undefined), id));
    return { id, bytes: content.length };
  }

  async function putStream(content: Readable, maxBytes: number): Promise<Asset> {
    const hasher = await takeHasher();
    let bytes = 0;
    try {
      const path = await write(limited(content, maxBytes), (chunk) => {
        bytes += chunk.length;
        hasher.update(chunk);
      });
      const id = idOf(hasher);
      await once(id, () => moveIntoPlace(path, id)).finally(() => rm(path, { force: true }));
      return { id, bytes };
    } finally {
      giveBack(hasher);
    }
  }

  return {
    async put(content, { maxBytes = Infinity } = {}) {
      if (!Buffer.isBuffer(content)) return putStream(content, maxBytes);
      checkSize(content.length, maxBytes);
      return putBuffer(content);
    },
    async read(id, range) {
      const { path } = pathOf(id);
      const size = await sizeOf(path);
      if (size === null) throw noAsset(id);
      const { start, end } = { start: range?.start ?? 0, end: Math.min(range?.end ?? Infinity, size - 1) };
      if (end < start) return { stream: Readable.from([]), bytes: 0 };
      return { stream: createReadStream(path, { start, end }), bytes: end - start + 1 };
    },
    async bytes(id) {
      try {
        return await readFile(pathOf(id).path);
      } catch (error) {
        throw isMissing(error) ? noAsset(id) : error;
      }
    },
    has: async (id) => isAssetId(id) && (await sizeOf(pathOf(id).path)) !== null,
    async remove(ids) {
      for (const id of ids.filter(isAssetId)) {
        await unlink(pathOf(id).path).catch((error: unknown) => (isMissing(error) ? undefined : Promise.reject(error)));
      }
    },
  };
}

const isMissing = (error: unknown): boolean => (error as { code?: string } | null)?.code === 'ENOENT';

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
