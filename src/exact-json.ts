/**
 * JSON as `JSON.parse` reads it, but whole numbers beyond 2^53 come as strings of their digits instead of losing some: ComfyUI's seeds go
 * to 2^64 - 1, and ComfyUI reads such a string as a number. Error: SyntaxError.
 */
export const parseExact = (text: string): unknown =>
  mayLoseDigits(text) ? JSON.parse(text, exactInteger as (key: string, value: unknown) => unknown) : JSON.parse(text);

/** False: `JSON.parse` gives the same, and faster. */
export const mayLoseDigits = (text: string): boolean => /\d{16}/.test(text);

function exactInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  const inexact = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return inexact && /^-?\d+$/.test(context.source ?? '') ? context.source : value;
}

/** What Python reads as JSON, and is not taken here; the message says what, and where. */
export class UntakenJson extends Error {}

/**
 * JSON as `parse` reads it, but for what ComfyUI would read and we must not: numbers that JSON has not, and keys that would reach into
 * prototypes where objects are copied by assignment. Errors: SyntaxError, `UntakenJson`.
 */
export function parseTaken(text: string, parse: (text: string) => unknown): unknown {
  if (protoKey.test(text)) throw new UntakenJson('The key "__proto__" is not taken: it would reach into the objects of others');
  try {
    return parse(text);
  } catch (error) {
    const at = strayNumber(text);
    if (at === null) throw error;
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const after = before.trimEnd().split('\n').at(-1)?.trimStart() ?? '';
    const shown = after.length > 40 ? `...${after.slice(-40)}` : after;
    const name = /^-?\w+/.exec(text.slice(at, at + '-Infinity'.length))?.[0];
    throw new UntakenJson(
      `${name} is no number of JSON (line ${line}, column ${at - before.lastIndexOf('\n')}, after ${shown}); give one that is`,
      { cause: error },
    );
  }
}

/** Any letter of a key may be written as an escape. */
const protoKey = new RegExp(String.raw`"${['_', '_', 'p', 'r', 'o', 't', 'o', '_', '_'].map(letterOrEscape).join('')}"\s*:`);

function letterOrEscape(letter: string): string {
  const code = letter.charCodeAt(0).toString(16).replace('f', '[fF]');
  return String.raw`(?:${letter}|\\u00${code})`;
}

/** Where the first number stands that only Python has; null: there is none, or the rest is no JSON either. */
function strayNumber(text: string): number | null {
  const marks = /"|-?\b(?:Infinity|NaN)\b/g;
  let first: number | null = null;
  let from = 0;
  let rest = '';
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    if (mark[0] === '"') {
      const end = endOfText(text, mark.index);
      if (end === -1) return null;
      marks.lastIndex = end + 1;
    } else {
      first ??= mark.index;
      rest += `${text.slice(from, mark.index)}null`;
      from = marks.lastIndex;
    }
  }
  return first !== null && isJson(rest + text.slice(from)) ? first : null;
}

/** The quote that ends the text which begins at `start`; -1: none. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text[before - 1] === '\\') before--;
    if ((end - before) % 2 === 0) return end;
  }
  return -1;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
