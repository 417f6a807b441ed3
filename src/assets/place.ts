import { fsync, mkdirSync, open as openHandle, rmSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Puts files into a folder so that each is whole and on disk when it appears under its name. */
export interface Placer {
  /** Writes the bytes to a temporary file and syncs it. The answer is its path; a failure leaves nothing behind. */
  write(content: Buffer | AsyncIterable<Buffer>): Promise<string>;
  /** Moves a temporary file to `path`, one folder below, and makes that durable. A failure leaves nothing behind. */
  move(from: string, path: string): Promise<void>;
}

/** The folder has one owner, so temporary files found now are remains of a crash, and are removed. */
export function createPlacer(folder: string): Placer {
  const temporary = join(folder, 'tmp');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  let counter = 0;
  /** Open folders that are known to be on disk: each file syncs one, which would mostly be opening and closing it. */
  const folders = new Map<string, Promise<number>>();

  function openFolder(path: string): Promise<number> {
    const known = folders.get(path);
    if (known) return known;
    const opening = makeFolder(path);
    folders.set(path, opening);
    opening.catch(() => folders.delete(path));
    return opening;
  }

  return {
    async write(content) {
      counter += 1;
      const path = join(temporary, String(counter));
      try {
        await writeSynced(path, content);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
      return path;
    },
    async move(from, path) {
      let folder: number;
      try {
        folder = await openFolder(dirname(path));
        await rename(from, path);
      } catch (error) {
        await rm(from, { force: true });
        throw error;
      }
      await sync(folder);
    },
  };
}

/** Size of a file in bytes; null when there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export const isMissing = (error: unknown): boolean => (error as { code?: string } | null)?.code === 'ENOENT';

async function writeSynced(path: string, content: Buffer | AsyncIterable<Buffer>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
}

const openRaw: (path: string, flags: string) => Promise<number> = promisify(openHandle);
const sync: (handle: number) => Promise<void> = promisify(fsync);

/** Opens a folder that is on disk for sure when this settles. */
async function makeFolder(path: string): Promise<number> {
  const made = await mkdir(path, { recursive: true });
  if (made !== undefined) {
    const parent = await open(dirname(path), 'r');
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
  }
  return openRaw(path, 'r');
}
