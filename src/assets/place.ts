import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
  /** Folders that are known to be on disk. */
  const durable = new Map<string, Promise<void>>();

  function ensureFolder(path: string): Promise<void> {
    const known = durable.get(path);
    if (known) return known;
    const making = mkdir(path, { recursive: true }).then((made) => (made === undefined ? undefined : syncFolder(dirname(path))));
    durable.set(path, making);
    making.catch(() => durable.delete(path));
    return making;
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
      const parent = dirname(path);
      try {
        await ensureFolder(parent);
        await rename(from, path);
      } catch (error) {
        await rm(from, { force: true });
        throw error;
      }
      await syncFolder(parent);
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

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
