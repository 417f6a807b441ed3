import type { DatabaseSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import { storeError, type Call, type Outcome } from './batch.ts';
import type { Failure, LaneMessage, WorkerMessage } from './lane.ts';

/** The life of a database's thread: opens its connection when told the file, answers batch after batch, closes when told to. */
export function serve(open: (file: string) => DatabaseSync, run: (db: DatabaseSync, calls: readonly Call[]) => Outcome): void {
  const port = parentPort;
  if (port === null) throw new Error('This module runs in a worker thread.');
  const post = (message: WorkerMessage): void => port.postMessage(message);
  let db: DatabaseSync | null = null;
  port.on('message', (message: LaneMessage) => {
    if (message.type === 'close') {
      db?.close();
      port.close();
    } else if (message.type === 'open') {
      try {
        db = open(message.file);
        post({ type: 'ready', sqliteVersion: String(db.prepare('SELECT sqlite_version() AS version').get()?.['version']) });
      } catch (error) {
        post({ type: 'failed', failure: failureOf(error) });
      }
    } else if (db !== null) {
      const calls = message.names.map((name, index) => ({ name, input: message.inputs[index] }));
      const { results, failures } = run(db, calls);
      post({ type: 'batch', results, failures: failures.map(({ index, error }) => ({ index, failure: failureOf(error) })) });
    }
  });
}

function failureOf(error: unknown): Failure {
  const { code, message } = storeError(error);
  return { code, message };
}
