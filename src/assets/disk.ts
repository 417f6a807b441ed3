import { createReadStream } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Asset, Assets } from './assets.ts';
import { assetId, giveBack, idOf, isAssetId, takeHasher } from './hash.ts';
import { checkSize, limited, noAsset } from './limit.ts';
import { createPlacer, isMissing, sizeOf } from './place.ts';
import { pourFile } from './pour.ts';

function pathIn(folder: string, id: string): string {
  if (!isAssetId(id)) throw noAsset(id);
  const hex = id.slice('blake3:'.length);
  return join(folder, hex.slice(0, 2), hex.slice(2));
}

/** Up to this size a file is gathered in memory first: hashing and writing it whole takes a tenth of the steps of a stream. */
const smallFile = 256 * 1024;

/**
 * Assets in a folder of their own: `<first two hex digits>/<the rest>`. One level, because a folder that is new costs a sync of its own:
 * with 256 of them that is soon over.
 */
export function createDiskAssets({ folder }: { folder: string }): Assets {
  const placer = createPlacer(folder);
  const pathOf = (id: string): string => pathIn(folder, id);
  /** Files being put in place, so that two puts of the same bytes are both told only when they are safe. */
  const placing = new Map<string, Promise<void>>();

  /** Runs `place` unless the same asset is being placed or is there already. */
  function once(id: string, place: (path: string) => Promise<void>): Promise<void> {
    const running = placing.get(id);
    if (running) return running;
    const path = pathOf(id);
    const placed = sizeOf(path)
      .then((size) => (size === null ? place(path) : undefined))
      .finally(() => placing.delete(id));
    placing.set(id, placed);
    return placed;
  }

  async function putBuffer(content: Buffer): Promise<Asset> {
    const id = await assetId(content);
    await once(id, async (path) => placer.move(await placer.write(content), path));
    return { id, bytes: content.length };
  }

  /** Bytes of unknown number: a file that turns out small goes the way of a buffer. */
  async function putStream(content: Readable, maxBytes: number): Promise<Asset> {
    const chunks = limited(content, maxBytes);
    const head: Buffer[] = [];
    for (let bytes = 0; bytes <= smallFile;) {
      const { value, done } = await chunks.next();
      if (done) return putBuffer(Buffer.concat(head));
      head.push(value);
      bytes += value.length;
    }
    return putLarge(head, chunks);
  }

  async function putLarge(head: readonly Buffer[], rest: AsyncIterable<Buffer>): Promise<Asset> {
    const { written, id, bytes } = await writeHashed(placer, head, rest);
    // Also left over when the asset was there before, or could not be looked for.
    try {
      await once(id, (path) => placer.move(written, path));
    } finally {
      await rm(written, { force: true });
    }
    return { id, bytes };
  }

  return {
    async put(content, { maxBytes = Infinity } = {}) {
      if (!Buffer.isBuffer(content)) return putStream(content, maxBytes);
      checkSize(content.length, maxBytes);
      return putBuffer(content);
    },
    async read(id, range) {
      const path = pathOf(id);
      const size = await sizeOf(path);
      if (size === null) throw noAsset(id);
      const { start, end } = { start: range?.start ?? 0, end: Math.min(range?.end ?? Infinity, size - 1) };
      if (end < start) return { stream: Readable.from([]), bytes: 0 };
      return { stream: createReadStream(path, { start, end }), bytes: end - start + 1 };
    },
    async pour(id, range, take) {
      const file = await open(pathOf(id), 'r').catch((error: unknown) => Promise.reject(isMissing(error) ? noAsset(id) : error));
      try {
        await pourFile(file, range, take);
      } finally {
        await file.close();
      }
    },
    bytes: async (id) => readFile(pathOf(id)).catch((error: unknown) => Promise.reject(isMissing(error) ? noAsset(id) : error)),
    has: async (id) => isAssetId(id) && (await sizeOf(pathOf(id))) !== null,
    async remove(ids) {
      for (const id of ids.filter(isAssetId)) await rm(pathOf(id), { force: true });
    },
  };
}

/** Writes a temporary file of `head` and `rest`, and hashes it on the way. */
async function writeHashed(
  placer: ReturnType<typeof createPlacer>,
  head: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
): Promise<{ written: string; id: string; bytes: number }> {
  const hasher = await takeHasher();
  let bytes = 0;
  const counted = (chunk: Buffer): Buffer => {
    bytes += chunk.length;
    hasher.update(chunk);
    return chunk;
  };
  async function* hashed(): AsyncGenerator<Buffer> {
    for (const chunk of head) yield counted(chunk);
    for await (const chunk of rest) yield counted(chunk);
  }
  try {
    const written = await placer.write(hashed());
    return { written, id: idOf(hasher), bytes };
  } finally {
    giveBack(hasher);
  }
}
