import { Lane, workerModule } from '../sqlite/lane.ts';
import { reads, type Executor, type OperationResult } from './operations.ts';
import { storeOver } from './port.ts';
import type { Store } from './store.ts';

/**
 * The store on a file, made when it is not there. One thread writes, with one sync of the disk for all that came together;
 * another reads. Whoever opens it owns the folder (a second owner is kept out before). Errors: `data_folder_newer`; `database_unusable`
 * when the file cannot be opened or is no database.
 */
export async function openSqliteStore({ file }: { file: string }): Promise<Store> {
  const writer = laneTo('./sqlite-writer');
  const reader = laneTo('./sqlite-reader');
  // The writer goes last: the last connection folds the log into the file.
  const close = (): Promise<void> => writer.close(reader.close());
  try {
    const sqliteVersion = await writer.open(file);
    const readsThrough = hasWalResetRace(sqliteVersion) ? writer : reader;
    if (readsThrough === reader) await reader.open(file);
    const executor: Executor = {
      run: (name, input) => (name in reads ? readsThrough : writer).call(name, input) as Promise<OperationResult<typeof name>>,
      close,
    };
    return storeOver(executor);
  } catch (error) {
    await close();
    throw error;
  }
}

const laneTo = (module: string): Lane => new Lane(workerModule(module, import.meta.url), 'the store');

/** Before 3.51.3 two connections could corrupt a file when one reset the log under the other: then one does everything. */
export function hasWalResetRace(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1_000 + patch < 3_051_003;
}
