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
