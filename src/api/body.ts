import { isUtf8 } from 'node:buffer';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Workflow } from '../deployments/workflow.ts';
import { ComfleetError } from '../errors.ts';
import { mayLoseDigits, parseExact } from '../exact-json.ts';
import type { StageFile } from '../outbound/stage-file.ts';
import type { ApiLimits } from './context.ts';
import { formValues, valueOf, type Values } from './form-values.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes forms beside JSON. */
    forms?: boolean;
  }
}

/** A form body, before it is known which inputs it is for. */
class FormText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Teaches `app` JSON with errors that say where it broke, and forms. A body that comes too slowly ends with `request_timeout`. */
export function addBodyParsers(app: FastifyInstance, limits: ApiLimits): void {
  const readJson = jsonReader(app);
  // fastify knows plain text by itself; here it is most likely JSON that lost its content type.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(['application/json'], { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
    readJson(request, textOf(body, 'The body')),
  );
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const text = textOf(body, 'The body');
    // curl -d without a content type says "form" and sends JSON; with nothing after it, it sends an empty one.
    if (text.trimStart().startsWith('{')) return readJson(request, text);
    return text === '' ? undefined : new FormText(text);
  });
  app.addHook('preValidation', async (request) => {
    const { config, schema } = request.routeOptions;
    const isForm = request.body instanceof FormText || request.isMultipart();
    if (isForm && !config.forms && schema?.body !== undefined) throw unsupported(request);
  });
  addBodyDeadline(app, limits);
}

/** The body has a type that the route does not take. */
export function unsupported({ headers, routeOptions, method }: FastifyRequest): ComfleetError {
  const came = headers['content-type'];
  const taken = ['application/json', ...(routeOptions.config.forms ? ['multipart/form-data', 'application/x-www-form-urlencoded'] : [])];
  const what = came === undefined ? 'The body comes without a Content-Type' : `The body is ${JSON.stringify(came.slice(0, 100))}`;
  return new ComfleetError('unsupported_media_type', `${what}; ${method} ${routeOptions.url ?? ''} takes ${taken.join(', ')}`, { taken });
}

/** Bytes that are no UTF-8 are refused: what would stand in their place was not meant. */
function textOf(bytes: Buffer, what: string): string {
  if (!isUtf8(bytes)) throw new ComfleetError('invalid_body', `${what} is not UTF-8 text; encode it as UTF-8`);
  return bytes.toString('utf8');
}

type ReadJson = (request: FastifyRequest, text: string) => Promise<unknown>;

/** fastify's own parser refuses keys that would reach into prototypes. */
function jsonReader(app: FastifyInstance): ReadJson {
  const parse = app.getDefaultJsonParser('error', 'error');
  return async (request, given) => {
    const text = given.replace(/^\uFEFF/, '');
    const value = await new Promise<unknown>((resolve, reject) => {
      void parse(request, text, (error, parsed) => (error ? reject(jsonError(text, error)) : resolve(parsed)));
    });
    const exact = mayLoseDigits(text) ? withinDepth(() => parseExact(text)) : value;
    // Only an escape can stand for half of a letter.
    if (/\\ud[89a-f]/i.test(text) && !withinDepth(() => isWhole(exact))) {
      throw new ComfleetError(
        'invalid_body',
        'A text of the body has half of a letter (a lone surrogate such as \\ud800); send whole ones',
      );
    }
    return exact;
  };
}

/** Can all texts in it, keys too, be written as UTF-8? */
function isWhole(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWhole(inner));
}

/** What walks through a body by recursion: where the stack does not suffice, the sender has nested it for that. Error: `invalid_body`. */
export function withinDepth<T>(walk: () => T): T {
  try {
    return walk();
  } catch (error) {
    if (error instanceof RangeError) throw new ComfleetError('invalid_body', 'The body is nested too deeply', {}, { cause: error });
    throw error;
  }
}

function jsonError(text: string, error: Error): ComfleetError {
  if (text.trim() === '') return new ComfleetError('invalid_body', 'The body is empty; send at least {}');
  try {
    JSON.parse(text);
  } catch (syntax) {
    return new ComfleetError('invalid_body', `The body is not JSON: ${(syntax as Error).message}`, {}, { cause: error });
  }
  return new ComfleetError('invalid_body', 'The body has a key that is not allowed: __proto__ or constructor', {}, { cause: error });
}

function refuseEncoded({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return;
  throw new ComfleetError('unsupported_media_type', `The body is encoded as ${JSON.stringify(encoding.slice(0, 100))}; send it as it is`);
}

const deadlines = new WeakMap<FastifyRequest, NodeJS.Timeout>();

function addBodyDeadline(app: FastifyInstance, limits: ApiLimits): void {
  const forget = async (request: FastifyRequest): Promise<void> => clearTimeout(deadlines.get(request));
  app.addHook('preParsing', async (request, _reply, payload) => {
    refuseEncoded(request);
    // Files may take their time; they have the limit of the whole request.
    if (!/json|x-www-form-urlencoded/.test(request.headers['content-type'] ?? '')) return payload;
    const late = () => {
      const error = new ComfleetError('request_timeout', `The body did not arrive within ${limits.bodyMs / 1000} s`);
      if (payload.listenerCount('error') > 0) payload.emit('error', error);
    };
    deadlines.set(request, setTimeout(late, limits.bodyMs));
    return payload;
  });
  app.addHook('preValidation', forget);
  app.addHook('onResponse', forget);
}

/**
 * The named inputs in a request's body: a JSON object, a form, or multipart with files, which are stored on the way. Errors:
 * `invalid_body`, `body_too_large`, and those of storing files.
 */
export async function readValues(request: FastifyRequest, workflow: Workflow, parts: MultipartTools): Promise<Values> {
  if (request.isMultipart()) return readMultipart(request, workflow, parts);
  const { body } = request;
  if (body === undefined) return {};
  if (body instanceof FormText) return formValues(body.text, workflow);
  if (isObject(body)) return body;
  throw new ComfleetError('invalid_body', 'The body must be one JSON object with the named inputs, like {"prompt": "..."}');
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface MultipartTools {
  readonly stageFile: StageFile;
  /** Of all fields together. */
  readonly maxFieldBytes: number;
}

async function readMultipart(request: FastifyRequest, workflow: Workflow, { stageFile, maxFieldBytes }: MultipartTools): Promise<Values> {
  const values = new Map<string, unknown>();
  let left = maxFieldBytes;
  for await (const part of partsOf(request)) {
    const { fieldname, file, filename } = part;
    if ((fieldname as string | undefined) === undefined) throw new ComfleetError('invalid_body', 'A part of the form has no name');
    if (values.has(fieldname)) throw new ComfleetError('invalid_body', `The form has the field ${fieldname} twice`);
    if (isFile(part)) values.set(fieldname, (await stageFile({ content: file, filename })).asset);
    else {
      const bytes = await readField(part, left);
      left -= bytes.length;
      values.set(fieldname, valueOf(workflow, fieldname, textOf(bytes, `The field ${fieldname}`)));
    }
  }
  if (values.size === 0) throw new ComfleetError('invalid_body', 'The multipart body has no parts; send at least one input, or {} as JSON');
  return Object.fromEntries(values);
}

/** Each part of a form, as bytes: fields are told from files by `isFile`. Error: `invalid_body`. */
export function partsOf(request: FastifyRequest, options?: Parameters<FastifyRequest['files']>[0]): AsyncIterable<MultipartFile> {
  if (!/;\s*boundary=/i.test(request.headers['content-type'] ?? '')) {
    throw new ComfleetError('invalid_body', 'The multipart body has no boundary in its Content-Type; let your client set that header');
  }
  // `isPartAFile` is what the parser asks; said here once more for the types.
  return request.files(options);
}

export const isFile = ({ filename, mimetype }: MultipartFile): boolean =>
  (filename as string | undefined) !== undefined || mimetype === 'application/octet-stream';

/** A field of a form, whole. Error: `body_too_large`. */
export async function readField({ fieldname, file }: MultipartFile, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new ComfleetError('body_too_large', `The field ${fieldname} is too long; send it as a file`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
