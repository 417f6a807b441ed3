import { readBatch } from './batch.ts';
import { openForReading } from './connection.ts';
import { serve } from './worker.ts';

/** The thread of the connection that reads, so that a long list never holds up a commit. */
serve(openForReading, readBatch);
