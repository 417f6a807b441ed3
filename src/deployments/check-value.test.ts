import { expect, test } from 'vitest';
import { checkValue } from './check-value.ts';

test('a list nested a hundred thousand deep is refused in words, not written out', () => {
  let nested: unknown = 'x';
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  const input = { name: 'prompt', type: 'string' as const, targets: [{ node: '1', field: 'text' }], required: false };
  expect(checkValue(input, nested)).toMatchObject({ wrong: expect.stringContaining('a list') });
});

const seed = { name: 'seed', type: 'int' as const, targets: [{ node: '1', field: 'seed' }], required: false, min: 0, max: 2 ** 64 };
const wrongOf = (checked: ReturnType<typeof checkValue>): string => ('wrong' in checked ? checked.wrong : '');

test.each([7, Number.MAX_SAFE_INTEGER, '9007199254740993', '18446744073709551615', '00000000000000000042'])(
  'the seed %s stays as it came',
  (value) => {
    expect(checkValue(seed, value)).toEqual({ value });
  },
);

test.each([
  ['18446744073709551616', 'at most 18446744073709551615'],
  ['9'.repeat(1_000_000), 'at most 18446744073709551615'],
  [`-${'9'.repeat(1_000_000)}`, 'at least -18446744073709551615'],
  ['-9007199254740993', 'at least 0'],
  [1e20, 'all its digits, not as 100000000000000000000'],
  ['42', 'a whole number, not "42"'],
  [1.5, 'a whole number, not 1.5'],
  [Infinity, 'a whole number, not Infinity'],
])('a seed that cannot be is refused in words', (value, words) => {
  expect(wrongOf(checkValue(seed, value))).toContain(words);
});

test('a fraction may be a whole number of many digits', () => {
  const scale = { ...seed, name: 'scale', type: 'float' as const };
  expect(checkValue(scale, '9007199254740993')).toEqual({ value: 9007199254740992 });
  expect(wrongOf(checkValue(scale, 'much'))).toContain('must be a number, not "much"');
});
