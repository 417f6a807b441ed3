import type { Json } from '../comfyui/protocol.ts';
import type { WorkflowInput } from './workflow.ts';

/** The largest value of ComfyUI's seeds, 2^64 - 1, which JavaScript's numbers cannot hold. */
const maxUint64 = 2n ** 64n - 1n;

export type Checked = { readonly value: Json } | { readonly wrong: string };

/** A value as it goes into the graph, or what is wrong with it. Not for images and files. */
export function checkValue(input: WorkflowInput, value: unknown): Checked {
  switch (input.type) {
    case 'string':
      return typeof value === 'string' ? { value } : { wrong: `must be a text, not ${shown(value)}` };
    case 'boolean':
      return typeof value === 'boolean' ? { value } : { wrong: `must be true or false, not ${shown(value)}` };
    case 'int':
      return checkInt(input, value);
    case 'float':
      return checkFloat(input, value);
    default:
      return checkChoice(input.choices, value);
  }
}

/** Throws what `error` makes of the reason when the value is wrong. */
export function checkDefault(input: WorkflowInput, value: unknown, error: (reason: string) => Error): void {
  const checked = checkValue(input, value);
  if ('wrong' in checked) throw error(checked.wrong);
}

/** What `parseExact` makes of a whole number that JavaScript cannot hold. */
const isDigits = (value: unknown): value is string => typeof value === 'string' && /^-?\d{16,}$/.test(value);
/** So many letters tell that a number is out of any range; all of a long one would be slow to read. */
const tellingLetters = 24;

/** Whole numbers beyond 2^53 come as strings of digits, and stay so: ComfyUI reads them as numbers. */
function checkInt(input: WorkflowInput, value: unknown): Checked {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return inRange(input, value, value);
  if (typeof value === 'number' && Number.isInteger(value)) return { wrong: `must be written with all its digits, not as ${value}` };
  if (!isDigits(value)) return { wrong: `must be a whole number, not ${shown(value)}` };
  const exact = BigInt(value.slice(0, tellingLetters));
  if (exact > maxUint64) return { wrong: `must be at most ${maxUint64}` };
  if (exact < -maxUint64) return { wrong: `must be at least ${-maxUint64}` };
  return inRange(input, exact, value);
}

function checkFloat(input: WorkflowInput, value: unknown): Checked {
  const number = isDigits(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return { wrong: `must be a number, not ${shown(value)}` };
  return inRange(input, number, number);
}

function inRange({ min, max }: WorkflowInput, number: number | bigint, value: Json): Checked {
  if (min !== undefined && number < min) return { wrong: `must be at least ${min}, not ${number}` };
  if (max !== undefined && number > max) return { wrong: `must be at most ${max}, not ${number}` };
  return { value };
}

function checkChoice(choices: readonly Json[] | undefined, value: unknown): Checked {
  // Without a list, which the definitions may bring later, only the kind of value can be told.
  if (!choices)
    return typeof value === 'string' || typeof value === 'number'
      ? { value }
      : { wrong: `must be one of its choices, not ${shown(value)}` };
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return { value: choice };
  const listed = choices
    .slice(0, 12)
    .map((one) => shown(one))
    .join(', ');
  return { wrong: `must be one of ${listed}${choices.length > 12 ? `, and ${choices.length - 12} more` : ''}, not ${shown(value)}` };
}

/** A value as it is quoted in messages. */
function shown(value: unknown): string {
  // Lists and objects may be nested too deeply to be written out.
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
