import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Clock } from '../fleet/clock.ts';
import type { Asset, Assets } from './assets.ts';
import { assetId, giveBack, idOf, isAssetId, takeHasher } from './hash.ts';
import { createLargeFiles, type LargeFiles } from './large.ts';
import { checkSize, limited, noAsset } from './limit.ts';
import { Presence } from './presence.ts';
import { Recent } from './recent.ts';
import { openSmallFiles, type SmallFiles } from './small.ts';

/** Up to this size a file goes into the database of small ones. */
const smallBytes = 64 * 1024;
/** Up to this size a file is gathered in memory first: hashing and writing it whole takes a tenth of the steps of a stream. */
const gatheredBytes = 256 * 1024;

export interface DiskAssets extends Assets {
  /** Settles when what was begun is safe and the database is closed. */
  close(): Promise<void>;
}

interface Parts {
  readonly large: LargeFiles;
  readonly small: SmallFiles;
  readonly recent: Recent;
  readonly presence: Presence;
}

/** Assets in a folder of their own: small ones in `small.db`, others as files. Error: `database_unusable`. */
export async function openDiskAssets({ folder, clock }: { folder: string; clock: Pick<Clock, 'now'> }): Promise<DiskAssets> {
  const large = createLargeFiles(folder);
  const small = await openSmallFiles(join(folder, 'small.db'));
  const recent = new Recent();
  const size = async (id: string): Promise<number | null> => (await large.size(id)) ?? small.size(id);
  const remove = (id: string): Promise<unknown> => Promise.all([large.remove(id), small.remove(id)]);
  const presence = new Presence({ size, remove }, clock);
  const parts: Parts = { large, small, recent, presence };

  async function smallContent(id: string): Promise<Buffer> {
    const content = await small.content(id);
    if (content === null) throw noAsset(id);
    return content;
  }

  return {
    async put(content, { maxBytes = Infinity } = {}) {
      if (!Buffer.isBuffer(content)) return putStream(parts, content, maxBytes);
      checkSize(content.length, maxBytes);
      return putBuffer(parts, content);
    },
    async read(id, range) {
      const file = await large.read(id, range);
      if (file !== null) return file;
      const part = partOf(await smallContent(id), range);
      return { stream: Readable.from([part]), bytes: part.length };
    },
    async pour(id, range, take) {
      if (!(await large.pour(id, range, take))) await take(partOf(await smallContent(id), range));
    },
    bytes: async (id) => recent.get(id) ?? (await large.content(id)) ?? smallContent(id),
    // Looks twice, so that ids that are none of ours are not remembered.
    keep: async (id) => isAssetId(id) && (await size(id)) !== null && (await presence.keep(id)) !== null,
    async remove(ids) {
      const stay = ids.filter(isAssetId).map(async (id): Promise<Asset[]> => {
        recent.delete(id);
        const bytes = await presence.remove(id);
        return bytes === null ? [] : [{ id, bytes }];
      });
      return (await Promise.all(stay)).flat();
    },
    close: () => small.close(),
  };
}

const partOf = (content: Buffer, range?: { start: number; end: number }): Buffer =>
  range ? content.subarray(range.start, range.end + 1) : content;

async function putBuffer({ large, small, recent, presence }: Parts, content: Buffer): Promise<Asset> {
  const id = await assetId(content);
  if (content.length <= smallBytes) {
    await presence.place(id, () => small.put(id, content));
    recent.add(id, content);
  } else {
    await presence.place(id, async () => (await large.size(id)) ?? large.place(id, await large.write(content)));
  }
  return { id, bytes: content.length };
}

/** Bytes of unknown number: a file that turns out small goes the way of a buffer. */
async function putStream(parts: Parts, content: Readable, maxBytes: number): Promise<Asset> {
  const chunks = limited(content, maxBytes);
  const head: Buffer[] = [];
  for (let bytes = 0; bytes <= gatheredBytes;) {
    const { value, done } = await chunks.next();
    if (done) return putBuffer(parts, Buffer.concat(head));
    head.push(value);
    bytes += value.length;
  }
  const { written, id, bytes } = await writeHashed(parts.large, head, chunks);
  // Left over when the same was there before, or is put by somebody else right now, or could not be looked for.
  try {
    await parts.presence.place(id, async () => (await parts.large.size(id)) ?? parts.large.place(id, written));
  } finally {
    await parts.large.discard(written);
  }
  return { id, bytes };
}

/** Writes a temporary file of `head` and `rest`, and hashes it on the way. */
async function writeHashed(
  large: LargeFiles,
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
    const written = await large.write(hashed());
    return { written, id: idOf(hasher), bytes };
  } finally {
    giveBack(hasher);
  }
}
