import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { unknownKey } from '../config/fields.ts';
import { ComfleetError } from '../errors.ts';

interface Complaint {
  readonly path: string;
  readonly message: string;
}

const nameOfPart: Readonly<Record<string, string>> = {
  body: 'the body',
  querystring: 'the query',
  params: 'the path',
  headers: 'the headers',
};

/**
 * Checks a part of each request against its zod schema. Error: `invalid_parameter` that names every field, what it must be and what came,
 * in words of ours: zod's speak of types, which callers do not have.
 */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = 'body' }) => {
  return (data: unknown) => {
    const result = schema.safeParse(data, { error: words, reportInput: true });
    if (result.success) return { value: result.data };
    const errors = result.error.issues.flatMap((issue) => complaintsOf(issue, nameOfPart[httpPart] ?? httpPart));
    const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return { error: new ComfleetError('invalid_parameter', detail, { errors }) };
  };
};

/** Several unknown keys are one issue of zod, with a line of the message for each. */
function complaintsOf(issue: z.core.$ZodIssue, whole: string): Complaint[] {
  const place = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') return [{ path: place.join('.') || whole, message: issue.message }];
  const lines = issue.message.split('\n');
  return issue.keys.map((key, index) => ({ path: [...place, key].join('.'), message: lines[index] ?? issue.message }));
}

const wanted: Readonly<Record<string, string>> = {
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

/** What a schema that says nothing itself says about a value. */
function words(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(wanted[issue.expected] ?? issue.expected, issue.input);
    case 'invalid_value':
      return mustBe(`one of ${issue.values.map(String).join(', ')}`, issue.input);
    case 'too_big':
      return limit(issue, issue.maximum, issue.origin === 'string' ? 'have at most' : 'be at most');
    case 'too_small':
      return limit(issue, issue.minimum, issue.origin === 'string' ? 'have at least' : 'be at least');
    case 'unrecognized_keys': {
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
      return issue.keys.map((key) => unknownKey(key, known)).join('\n');
    }
    default:
      return undefined;
  }
}

const limit = ({ origin, input }: { origin: string; input?: unknown }, bound: number | bigint, verb: string): string =>
  origin === 'array'
    ? `must ${verb.replace('be', 'have')} ${bound} ${bound === 1 ? 'entry' : 'entries'}, not ${(input as unknown[]).length}`
    : origin === 'string'
      ? `must ${verb} ${bound} ${bound === 1 ? 'letter' : 'letters'}`
      : `must ${verb} ${bound}, not ${shown(input)}`;

// fastify says null for a part that is not there.
const mustBe = (what: string, input: unknown): string =>
  input === undefined || input === null ? `is missing; it must be ${what}` : `must be ${what}, not ${shown(input)}`;

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
