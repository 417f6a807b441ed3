import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { storeError, type Call, type Outcome } from './batch.ts';
import type { BatchMessage, Failure, WorkerMessage } from './lane.ts';

/** The life of a store's thread: opens its connection, answers batch after batch, closes when told to. */
export function serve(open: (file: string) => DatabaseSync, run: (db: DatabaseSync, calls: readonly Call[]) => Outcome): void {
  const port = parentPort;
  if (port === null) throw new Error('This module runs in a worker thread.');
  const post = (message: WorkerMessage): void => port.postMessage(message);
  let db: DatabaseSync;
  try {
    db = open((workerData as { file: string }).file);
  } catch (error) {
    post({ type: 'failed', failure: failureOf(error) });
    return;
  }
  port.on('message', (message: BatchMessage) => {
    if (message === null) {
      db.close();
      port.close();
      return;
    }
    const { names, inputs } = message;
    const { results, failures } = run(
      db,
      names.map((name, index) => ({ name, input: inputs[index] })),
    );
    post({ type: 'batch', results, failures: failures.map(({ index, error }) => ({ index, failure: failureOf(error) })) });
  });
  post({ type: 'ready', sqliteVersion: String(db.prepare('SELECT sqlite_version() AS version').get()?.['version']) });
}

function failureOf(error: unknown): Failure {
  const { code, message } = storeError(error);
  return { code, message };
}
