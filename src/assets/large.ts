import { createReadStream } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isAssetId } from './hash.ts';
import { noAsset } from './limit.ts';
import { createPlacer, isMissing, sizeOf } from './place.ts';
import { pourFile } from './pour.ts';

type Range = { readonly start: number; readonly end: number };

/**
 * Files of their own: `<first two hex digits>/<the rest>`. One level, because a folder that is new costs a sync of its own: with 256 of them
 * that is soon over. Everything throws `not_found` for what is no asset's id.
 */
export interface LargeFiles {
  /** Writes the bytes to a temporary file, safely; the answer is its path. */
  write(content: Buffer | AsyncIterable<Buffer>): Promise<string>;
  /** Gives a temporary file its place. */
  place(id: string, written: string): Promise<void>;
  /** Removes a temporary file that is still there. */
  discard(written: string): Promise<void>;
  /** In bytes. Null: there is none. */
  size(id: string): Promise<number | null>;
  /** Null: there is none. */
  content(id: string): Promise<Buffer | null>;
  /** Null: there is none. */
  read(id: string, range?: Range): Promise<{ stream: Readable; bytes: number } | null>;
  /** See `Assets.pour`. False: there is none. */
  pour(id: string, range: Range, take: (piece: Buffer) => Promise<void>): Promise<boolean>;
  remove(id: string): Promise<void>;
}

export function createLargeFiles(folder: string): LargeFiles {
  const placer = createPlacer(folder);
  const pathOf = (id: string): string => {
    if (!isAssetId(id)) throw noAsset(id);
    const hex = id.slice('blake3:'.length);
    return join(folder, hex.slice(0, 2), hex.slice(2));
  };
  return {
    write: (content) => placer.write(content),
    place: async (id, written) => placer.move(written, pathOf(id)),
    discard: (written) => rm(written, { force: true }),
    size: async (id) => sizeOf(pathOf(id)),
    content: async (id) => readFile(pathOf(id)).catch(nullWhenMissing),
    async read(id, range) {
      const path = pathOf(id);
      const size = await sizeOf(path);
      if (size === null) return null;
      const { start, end } = { start: range?.start ?? 0, end: Math.min(range?.end ?? Infinity, size - 1) };
      if (end < start) return { stream: Readable.from([]), bytes: 0 };
      return { stream: createReadStream(path, { start, end }), bytes: end - start + 1 };
    },
    async pour(id, range, take) {
      const file = await open(pathOf(id), 'r').catch(nullWhenMissing);
      if (file === null) return false;
      try {
        await pourFile(file, range, take);
      } finally {
        await file.close();
      }
      return true;
    },
    remove: async (id) => rm(pathOf(id), { force: true }),
  };
}

function nullWhenMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
