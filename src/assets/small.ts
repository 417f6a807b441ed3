import { Lane, workerModule } from '../sqlite/lane.ts';
import type { operations } from './small-operations.ts';

/**
 * Small files in a database of their own. As a file each of them would make the file system write its journal twice; here one sync serves all
 * that come together, which up to about 64 KiB is many times cheaper, and holds up nobody else who makes files on that disk.
 */
export interface SmallFiles {
  /** Settles when the bytes are safe. Error: `store_failed`. */
  put(id: string, content: Buffer): Promise<void>;
  /** Null: there is none. */
  content(id: string): Promise<Buffer | null>;
  /** In bytes. Null: there is none. */
  size(id: string): Promise<number | null>;
  remove(id: string): Promise<void>;
  close(): Promise<void>;
}

type Operations = typeof operations;
type Input<Name extends keyof Operations> = Parameters<Operations[Name]>[1];

/** Opens the database, made when it is not there. Error: `database_unusable` when the file cannot be opened or is no database. */
export async function openSmallFiles(file: string): Promise<SmallFiles> {
  const lane = new Lane(workerModule('./small-writer', import.meta.url), 'the small files');
  const call = <Name extends keyof Operations>(name: Name, input: Input<Name>) =>
    lane.call(name, input) as Promise<ReturnType<Operations[Name]>>;
  await lane.open(file);
  return {
    // A copy: of a view into a larger piece of memory all of that would cross to the other thread.
    put: (id, content) => call('put', { id, content: new Uint8Array(content) }),
    async content(id) {
      const content = await call('content', id);
      return content && Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    },
    size: (id) => call('size', id),
    remove: (id) => call('remove', id),
    close: () => lane.close(),
  };
}
