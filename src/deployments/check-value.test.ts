import { expect, test } from 'vitest';
import { checkValue } from './check-value.ts';

test('a list nested a hundred thousand deep is refused in words, not written out', () => {
  let nested: unknown = 'x';
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  const input = { name: 'prompt', type: 'string' as const, targets: [{ node: '1', field: 'text' }], required: false };
  expect(checkValue(input, nested)).toMatchObject({ wrong: expect.stringContaining('a list') });
});
