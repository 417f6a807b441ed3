import { describe, expect, test } from 'vitest';
import { UntakenJson, parseExact, parseTaken } from './exact-json.ts';

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

describe('what Python reads as JSON and is not taken', () => {
  const taking = (text: string): unknown => {
    try {
      return parseTaken(text, JSON.parse);
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each([
    ['{"a": NaN}', 'NaN is no number of JSON (line 1, column 7, after {"a":); give one that is'],
    ['{"NaN": "Infinity",\n "b": [-Infinity]}', '-Infinity is no number of JSON (line 2, column 8, after "b": [); give one that is'],
    ['[\n  Infinity]', 'Infinity is no number of JSON (line 2, column 3, after [); give one that is'],
    ['{"__proto__": 1}', 'The key "__proto__" is not taken: it would reach into the objects of others'],
    [String.raw`{"_\u005fproto\u005F_" : 1}`, 'The key "__proto__" is not taken: it would reach into the objects of others'],
  ])('%s', (text, reason) => {
    expect(taking(text)).toBe(reason);
    expect(() => parseTaken(text, parseExact)).toThrow(UntakenJson);
  });

  test.each(['{"a":"NaN, __proto__"}', '["__proto__"]', String.raw`["\"__proto__\": NaN \\"]`, '{"constructor":1}'])(
    'texts may hold it: %s',
    (text) => expect(JSON.stringify(taking(text))).toBe(text),
  );

  test.each(['{"a": NaN, b}', '[NaNa]', '', 'NaN "', String.raw`[NaN, "\"]`, '--Infinity'])('%s is no JSON for Python either', (text) => {
    expect(() => parseTaken(text, JSON.parse)).toThrow(SyntaxError);
  });

  test('long texts take no longer than they are', () => {
    expect(taking(`{"a": "${String.raw`\"`.repeat(1_000_000)}", "b": NaN}`)).toMatch(/^NaN is no number/);
    expect(taking(`[NaN, "${'\\'.repeat(1_000_000)}", ${'"",'.repeat(500_000)}`)).toMatch(/JSON/);
  });
});
