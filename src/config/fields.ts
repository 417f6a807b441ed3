import { z } from 'zod';
import { closest } from './closest.ts';
import { durationPattern, parseDuration } from './duration.ts';

/**
 * Building blocks of the schema of `comfleet.yaml`. Each says in its message what it wants, what it got, and a line that works;
 * `example` is that line.
 */

/** What `error` of a zod type gets. */
interface Issue {
  readonly code?: string | undefined;
  readonly input?: unknown;
}

/** Separates what is wrong from the line that would work. */
export const fixMark = '; write e.g. ';

/** A value as the user wrote it, short enough for a message. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const wants = (what: string, example: string) => ({
  error: (issue: Issue) => `must be ${what}, got ${show(issue.input)}${fixMark}${example}`,
});

/** A whole number from `min` to `max`. */
export function whole(example: string, min: number, max = 1_000_000) {
  const error = wants(max === 1_000_000 ? `a whole number >= ${min}` : `a whole number from ${min} to ${max}`, example);
  return z.int(error).min(min, error).max(max, error);
}

/** A number from `min` to `max`. */
export function amount(example: string, min: number, max = Number.MAX_VALUE) {
  const error = wants(max === Number.MAX_VALUE ? `a number >= ${min}` : `a number from ${min} to ${max}`, example);
  return z.number(error).min(min, error).max(max, error);
}

export const flag = (example: string) => z.boolean(wants('true or false', example));

/** A text that is not empty. */
export function text(example: string, what = 'a text') {
  const error = wants(what, example);
  return z.string(error).min(1, error);
}

/** A text of a certain form. */
export function pattern(example: string, what: string, form: RegExp) {
  const error = wants(what, example);
  return z.string(error).regex(form, { ...error, abort: true });
}

export const oneOf = <const T extends readonly [string, ...string[]]>(example: string, words: T) =>
  z.enum(words, wants(`one of ${words.join(', ')}`, example));

/** A duration, as milliseconds, from `min` to `max` milliseconds. */
export function duration(example: string, min = 0, max = 3_650 * 86_400_000) {
  const error = wants('a duration such as 500ms, 60s, 5m, 1h30m, 7d, or a number of seconds', example);
  const range = wants(min > 0 ? 'a duration above 0' : 'a duration of less than ten years', example);
  return z
    .union([z.number(error).min(0, error), z.string(error).min(1, error).regex(durationPattern, error)], error)
    .transform((value, context) => {
      const ms = parseDuration(value);
      if (ms !== null && ms >= min && ms <= max) return ms;
      context.issues.push({ code: 'custom', input: value, message: range.error({ input: value }) });
      return z.NEVER;
    });
}

/** A list; a message about the list itself, its elements have their own. */
export const list = <T extends z.ZodType>(example: string, element: T) => z.array(element, wants('a list', example));

/** One of several spellings of a value. */
export const either = <T extends readonly [z.ZodType, ...z.ZodType[]]>(example: string, what: string, options: T) =>
  z.union(options, wants(what, example));

/** A mapping with free names. */
export const named = <T extends z.ZodType>(example: string, what: string, name: RegExp, value: T) =>
  z.record(z.string().regex(name, `the name must be ${what}${fixMark}${example}`), value, wants('a mapping', example));

/** A mapping with known keys. Unknown ones are errors, one line of the message for each, with the nearest known key. */
export function section<T extends z.core.$ZodLooseShape>(example: string, shape: T, alsoKnown: readonly string[] = []) {
  const known = [...Object.keys(shape), ...alsoKnown];
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return wants('a mapping', example).error(issue);
      return (issue as unknown as { keys: string[] }).keys.map((key) => unknownKey(key, known)).join('\n');
    },
  });
}

/** What to say about a key that is not known. */
export function unknownKey(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  return near === null ? `is not a known key; known are ${known.join(', ')}` : `is not a known key; did you mean ${near}?`;
}
