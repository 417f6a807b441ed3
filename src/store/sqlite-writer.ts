import { writeBatch } from '../sqlite/batch.ts';
import { openForWriting } from '../sqlite/connection.ts';
import { serve } from '../sqlite/worker.ts';
import { migrate } from './migrations.ts';
import { operations } from './operations.ts';

/** The thread of the connection that writes. */
serve(
  (file) => {
    const db = openForWriting(file);
    migrate(db);
    return db;
  },
  (db, calls) => writeBatch(db, operations, calls),
);
