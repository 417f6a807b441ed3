import { readBatch } from '../sqlite/batch.ts';
import { openForReading } from '../sqlite/connection.ts';
import { serve } from '../sqlite/worker.ts';
import { operations } from './operations.ts';

/** The thread of the connection that reads, so that a long list never holds up a commit. */
serve(openForReading, (db, calls) => readBatch(db, operations, calls));
