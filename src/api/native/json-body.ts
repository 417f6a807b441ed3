import type { FastifyRequest } from 'fastify';
import { ComfleetError } from '../../errors.ts';
import { UntakenJson, parseExact, parseTaken } from '../../exact-json.ts';
import type { Api } from '../api.ts';
import { isObject } from '../body.ts';

/** What ComfyUI did not foresee either: a body that is no JSON, a list where it wants an object. It answers 500 without a reason. */
export class Unforeseen extends Error {}

export type Fields = Readonly<Record<string, unknown>>;

/** Takes bodies as they come: ComfyUI reads JSON whatever their type says, and its clients often say nothing, or "form". */
export function takeAnyBody(scope: Api): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** The body as it came. */
export const bytesOf = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

/** The body as JSON; undefined when it is none. Error: `invalid_body` where ComfyUI could read it, and we do not. */
export function jsonOf(request: FastifyRequest): unknown {
  try {
    return parseTaken(bytesOf(request).toString('utf8'), parseExact);
  } catch (error) {
    if (error instanceof UntakenJson) throw new ComfleetError('invalid_body', error.message, {}, { cause: error });
    return undefined;
  }
}

/** The body as a JSON object. Errors: `Unforeseen`, `invalid_body`. */
export function fieldsOf(request: FastifyRequest): Fields {
  const value = jsonOf(request);
  if (!isObject(value)) throw new Unforeseen('the body is no JSON object');
  return value;
}

/** The same for a body that ComfyUI only looks for keys in: in a list or a text it finds none. Errors as above. */
export function keysOf(request: FastifyRequest): Fields {
  const value = jsonOf(request);
  return Array.isArray(value) || typeof value === 'string' ? {} : fieldsOf(request);
}

/** What the body lists as ids, as Python's `str` would have them. */
export const idsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
