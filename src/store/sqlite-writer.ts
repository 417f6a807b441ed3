import { writeBatch } from './batch.ts';
import { openForWriting } from './connection.ts';
import { migrate } from './migrations.ts';
import { serve } from './worker.ts';

/** The thread of the connection that writes. */
serve((file) => {
  const db = openForWriting(file);
  migrate(db);
  return db;
}, writeBatch);
