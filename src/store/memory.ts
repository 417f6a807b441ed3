import { DatabaseSync } from 'node:sqlite';
import { ComfleetError } from '../errors.ts';
import { readBatch, writeBatch } from '../sqlite/batch.ts';
import { migrate } from './migrations.ts';
import { operations, reads, type Executor, type OperationName, type OperationResult } from './operations.ts';
import { storeOver } from './port.ts';
import type { Store } from './store.ts';

/**
 * The same store in this thread's memory: gone with the process. Each operation runs within the call and its promise settles in a
 * microtask, so a run on virtual time is the same each time.
 */
export function createMemoryStore(): Store {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  let closed = false;
  const run = async (name: OperationName, input: unknown): Promise<unknown> => {
    if (closed) throw new ComfleetError('draining', 'The store is closed.');
    const { results, failures } = (name in reads ? readBatch : writeBatch)(db, operations, [{ name, input }]);
    if (failures[0]) throw failures[0].error;
    return results[0];
  };
  const executor: Executor = {
    run: (name, input) => run(name, input) as Promise<OperationResult<typeof name>>,
    async close() {
      if (!closed) db.close();
      closed = true;
    },
  };
  return storeOver(executor);
}
