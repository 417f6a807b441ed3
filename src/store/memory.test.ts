import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brokenPromises, histories, play } from '../../test/contract/store-operations.ts';
import { requestOf, t0 } from '../../test/contract/store-samples.ts';
import { storeContract } from '../../test/contract/store.ts';
import { createMemoryStore } from './memory.ts';

storeContract('memory', async () => {
  const store = createMemoryStore();
  return { store, dispose: () => store.close() };
});

test('every promise holds after any history', async () => {
  const property = fc.asyncProperty(histories, async (steps) => {
    const store = createMemoryStore();
    await play(store, steps);
    expect(await brokenPromises(store)).toEqual([]);
    await store.close();
  });
  await fc.assert(property, { numRuns: 100 });
});

test('an operation has happened when its call returns, and needs microtasks only', async () => {
  const store = createMemoryStore();
  const seen: string[] = [];
  setImmediate(() => seen.push('macrotask'));
  await store.submit({ id: 'a', at: t0, request: requestOf() });
  await store.job('a');
  seen.push('answered');
  expect(seen).toEqual(['answered']);
  await store.close();
});
