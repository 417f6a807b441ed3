import { createReadStream } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Clock } from '../fleet/clock.ts';
import type { Asset, Assets } from './assets.ts';
import { assetId, giveBack, idOf, isAssetId, takeHasher } from './hash.ts';
import { checkSize, limited, noAsset } from './limit.ts';
import { createPlacer, isMissing, sizeOf } from './place.ts';
import { pourFile } from './pour.ts';
import { Presence } from './presence.ts';
import { Recent } from './recent.ts';
import { openSmallFiles } from './small.ts';

/** Up to this size a file goes into the database of small ones. */
const smallBytes = 64 * 1024;
/** Up to this size a file is gathered in memory first: hashing and writing it whole takes a tenth of the steps of a stream. */
const gatheredBytes = 256 * 1024;

function pathIn(folder: string, id: string): string {
  if (!isAssetId(id)) throw noAsset(id);
  const hex = id.slice('blake3:'.length);
  return join(folder, hex.slice(0, 2), hex.slice(2));
}

export interface DiskAssets extends Assets {
  /** Settles when what was begun is safe and the database is closed. */
  close(): Promise<void>;
}

/**
 * Assets in a folder of their own: small ones in `small.db`, others as `<first two hex digits>/<the rest>`. One level, because a folder that
 * is new costs a sync of its own: with 256 of them that is soon over. Error: `store_failed` when the database cannot be opened.
 */
export async function openDiskAssets({ folder, clock }: { folder: string; clock: Pick<Clock, 'now'> }): Promise<DiskAssets> {
  const placer = createPlacer(folder);
  const small = await openSmallFiles(join(folder, 'small.db'));
  const recent = new Recent();
  const pathOf = (id: string): string => pathIn(folder, id);
  const size = async (id: string): Promise<number | null> => (await sizeOf(pathOf(id))) ?? small.size(id);
  const remove = (id: string): Promise<unknown> => Promise.all([rm(pathOf(id), { force: true }), small.remove(id)]);
  const presence = new Presence({ size, remove }, clock);

  async function putBuffer(content: Buffer): Promise<Asset> {
    const id = await assetId(content);
    await presence.place(id, () => (content.length <= smallBytes ? small.put(id, content) : placeFile(id, () => placer.write(content))));
    if (content.length <= smallBytes) recent.add(id, content);
    return { id, bytes: content.length };
  }

  async function placeFile(id: string, write: () => Promise<string>): Promise<void> {
    const path = pathOf(id);
    if ((await sizeOf(path)) === null) await placer.move(await write(), path);
  }

  /** Bytes of unknown number: a file that turns out small goes the way of a buffer. */
  async function putStream(content: Readable, maxBytes: number): Promise<Asset> {
    const chunks = limited(content, maxBytes);
    const head: Buffer[] = [];
    for (let bytes = 0; bytes <= gatheredBytes;) {
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
      await presence.place(id, () => placeFile(id, async () => written));
    } finally {
      await rm(written, { force: true });
    }
    return { id, bytes };
  }

  async function smallContent(id: string): Promise<Buffer> {
    const content = recent.get(id) ?? (await small.content(id));
    if (content === null) throw noAsset(id);
    return content;
  }

  return {
    async put(content, { maxBytes = Infinity } = {}) {
      if (!Buffer.isBuffer(content)) return putStream(content, maxBytes);
      checkSize(content.length, maxBytes);
      return putBuffer(content);
    },
    async read(id, range) {
      const path = pathOf(id);
      const whole = await sizeOf(path);
      if (whole === null) {
        const part = partOf(await smallContent(id), range);
        return { stream: Readable.from([part]), bytes: part.length };
      }
      const { start, end } = { start: range?.start ?? 0, end: Math.min(range?.end ?? Infinity, whole - 1) };
      if (end < start) return { stream: Readable.from([]), bytes: 0 };
      return { stream: createReadStream(path, { start, end }), bytes: end - start + 1 };
    },
    async pour(id, range, take) {
      const file = await open(pathOf(id), 'r').catch(nullWhenMissing);
      if (file === null) return take(partOf(await smallContent(id), range));
      try {
        await pourFile(file, range, take);
      } finally {
        await file.close();
      }
    },
    bytes: async (id) => recent.get(id) ?? (await readFile(pathOf(id)).catch(nullWhenMissing)) ?? smallContent(id),
    // Looks twice, so that ids that are none of ours are not remembered.
    keep: async (id) => isAssetId(id) && (await size(id)) !== null && (await presence.keep(id)) !== null,
    async remove(ids) {
      const known = ids.filter(isAssetId);
      known.forEach((id) => recent.delete(id));
      const sizes = await Promise.all(known.map((id) => presence.remove(id)));
      return known.flatMap((id, index) => (sizes[index] == null ? [] : [{ id, bytes: sizes[index] }]));
    },
    close: () => small.close(),
  };
}

const partOf = (content: Buffer, range?: { start: number; end: number }): Buffer =>
  range ? content.subarray(range.start, range.end + 1) : content;

function nullWhenMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
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
