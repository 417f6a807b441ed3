import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { requestOf, resultOf } from './store-samples.ts';

/**
 * The process that the kill test kills: writes jobs to the store in argv[2], ids beginning with argv[3], and prints a line for each
 * step that the store acknowledged.
 */
const [, , file = '', prefix = ''] = process.argv;
const store = await openSqliteStore({ file });
const acknowledged = (line: string): void => void writeSync(1, `${line}\n`);

async function work(lane: number): Promise<never> {
  for (let i = 0; ; i++) {
    const id = `${prefix}-${lane}-${i}`;
    await store.submit({ id, at: i, request: requestOf({ webhook: 'https://example.org' }) });
    acknowledged(`queued ${id}`);
    const attempt = await store.startAttempt({ job: id, container: 'c', epoch: 1, at: i + 1, coldMs: 0, reason: '' });
    acknowledged(`running ${id}`);
    await store.finishAttempt(resultOf(id, attempt?.token ?? 0, { at: i + 2 }));
    acknowledged(`succeeded ${id}`);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, lane) => work(lane)));
