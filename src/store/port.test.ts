import { expect, test } from 'vitest';
import { ComfleetError, type ErrorCode } from '../errors.ts';
import type { Executor } from './operations.ts';
import { storeOver } from './port.ts';

test('the trouble is the last write’s: reads and mistakes say nothing of the disk', async () => {
  let failure: ErrorCode | null = null;
  const run: Executor['run'] = async () => {
    if (failure) throw new ComfleetError(failure, 'no room');
    return null as never;
  };
  const store = storeOver({ run, close: async () => undefined });
  const write = () => store.saveDocument({ name: 'x', value: 1, at: 0 }).catch(() => undefined);
  const afterwards = async (code: ErrorCode | null, call: () => Promise<unknown>): Promise<string | null> => {
    failure = code;
    await call();
    return store.trouble();
  };
  expect(store.trouble()).toBeNull();
  expect(await afterwards('internal', write)).toBeNull();
  expect(await afterwards('store_failed', write)).toBe('no room');
  expect(await afterwards('internal', write)).toBe('no room');
  expect(await afterwards(null, () => store.document('x'))).toBe('no room');
  expect(await afterwards(null, write)).toBeNull();
  expect(await afterwards('store_failed', () => store.document('x').catch(() => undefined))).toBeNull();
});
