import { expect, test } from 'vitest';
import { parseExact } from './exact-json.ts';

test('whole numbers that JavaScript cannot hold come as their digits, at any depth', () => {
  expect(parseExact('{"seed": 18446744073709551615, "more": [-9007199254740993, {"n": 9007199254740992}]}')).toEqual({
    seed: '18446744073709551615',
    more: ['-9007199254740993', { n: '9007199254740992' }],
  });
});

test('fractions, exponents and numbers that fit stay numbers, digits in texts stay texts', () => {
  expect(parseExact('[9007199254740991, 1e20, 12345678901234567890.5, "12345678901234567890"]')).toEqual([
    9007199254740991,
    1e20,
    Number('12345678901234567890.5'),
    '12345678901234567890',
  ]);
});

test('what is no JSON is a SyntaxError', () => {
  expect(() => parseExact('{"a":')).toThrow(SyntaxError);
  expect(() => parseExact('{"a": 12345678901234567890')).toThrow(SyntaxError);
});
