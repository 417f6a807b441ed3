import { DatabaseSync } from 'node:sqlite';

const sqliteBusy = 5;
/** A lock that nobody refers to any more would be collected as garbage, and dropped with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes a lock that only one process can hold; null when another has it. The lock is a transaction that SQLite holds open on a file of its
 * own: the kernel drops it with the process, however that dies, so it can never be stale.
 */
export function takeLock(file: string): { release(): void } | null {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return null;
    throw error;
  }
  held.add(lock);
  return {
    release: () => {
      if (held.delete(lock)) lock.close();
    },
  };
}
