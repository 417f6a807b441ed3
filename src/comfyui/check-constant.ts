import type { GraphNode, InputDefinition, Json } from './protocol.ts';
import { conversions, floatText, intText, repr, str, type PythonError } from './python.ts';

/** One thing that is wrong with one input. */
export interface InputError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

export const problem = (type: string, message: string, details: string, extra: Record<string, unknown>): InputError => ({
  type,
  message,
  details,
  extra_info: extra,
});

export const pair = (config: InputDefinition): [Json, Json] => [config[0], config[1] ?? {}];

/** Converts a constant in place and checks its range and choices; `free` leaves both to the node's own check. */
export function constant(node: GraphNode, name: string, config: InputDefinition, free: boolean): InputError | null {
  const [type, options = {}] = config;
  const info = { input_name: name, input_config: pair(config) };
  let value: unknown = node.inputs[name];
  // oxlint-disable-next-line no-underscore-dangle -- ComfyUI's own name for a constant that is a list
  if (typeof value === 'object' && value !== null && '__value__' in value) value = value.__value__;
  const convert = typeof type === 'string' ? conversions[type] : undefined;
  try {
    value = convert ? convert(value) : value;
  } catch (error) {
    const { message } = error as PythonError;
    const extra = { ...info, received_value: value, exception_message: message };
    return problem(
      'invalid_input_type',
      `Failed to convert an input value to a ${str(type)} value`,
      `${name}, ${str(value)}, ${message}`,
      extra,
    );
  }
  node.inputs[name] = value as Json;
  if (free) return null;
  const extra = { ...info, received_value: value };
  const outside = outOfRange(value, config);
  if (outside) return problem(outside.type, outside.message, name, extra);
  const choices = Array.isArray(type) ? type : type === 'COMBO' ? ((options['options'] ?? []) as Json[]) : null;
  if (choices === null || choices.includes(value as Json)) return null;
  const many = choices.length > 20;
  const details = `${name}: '${str(value)}' not in ${many ? `(list of length ${choices.length})` : repr(choices)}`;
  return problem('value_not_in_list', 'Value not in list', details, many ? { ...extra, input_config: null } : extra);
}

/** What ComfyUI says of a number beyond its limits. Whole ones that JavaScript cannot hold come as their digits. */
function outOfRange(value: unknown, [type, { min, max } = {}]: InputDefinition): Pick<InputError, 'type' | 'message'> | null {
  const isDigits = type === 'INT' && typeof value === 'string';
  if (typeof value !== 'number' && !isDigits) return null;
  const number = isDigits ? BigInt(value) : (value as number);
  // No JSON that goes on to a container can hold an infinity.
  const least = typeof min === 'number' ? min : -Number.MAX_VALUE;
  const most = typeof max === 'number' ? exactMost(max) : Number.MAX_VALUE;
  const shown = type === 'FLOAT' ? floatText : intText;
  if (number < least) return { type: 'value_smaller_than_min', message: `Value ${shown(number)} smaller than min of ${shown(least)}` };
  // A number that was rounded, too, is compared with the rounded limit.
  if (number <= (isDigits ? most : Number(most))) return null;
  return { type: 'value_bigger_than_max', message: `Value ${shown(number)} bigger than max of ${shown(most)}` };
}

/** Definitions are read as JavaScript's numbers: that makes 2^64 of 2^64 - 1, the most that a seed may be, and the like of 2^63 - 1. */
function exactMost(max: number): number | bigint {
  if (!Number.isInteger(max) || Number.isSafeInteger(max)) return max;
  const before = BigInt(max) - 1n;
  return (BigInt(max) & before) === 0n ? before : max;
}
