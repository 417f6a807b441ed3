import { writeBatch } from '../sqlite/batch.ts';
import { openForWriting } from '../sqlite/connection.ts';
import { serve } from '../sqlite/worker.ts';
import { operations, prepare } from './small-operations.ts';

/** The thread of small files: one connection does everything, so that what was put is there for whoever asks next. */
serve(
  (file) => {
    const db = openForWriting(file, { shrinks: true });
    prepare(db);
    return db;
  },
  (db, calls) => writeBatch(db, operations, calls),
);
