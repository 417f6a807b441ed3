import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Workflow, WorkflowInput } from '../deployments/workflow.ts';
import { ComfleetError } from '../errors.ts';
import type { StageFile } from '../outbound/stage-file.ts';
import type { ApiLimits } from './context.ts';

export type Values = Record<string, unknown>;

/** A form body, before it is known which inputs it is for. */
class FormText {
  readonly fields: URLSearchParams;
  constructor(text: string) {
    this.fields = new URLSearchParams(text);
  }
}

/** Teaches `app` JSON with errors that say where it broke, and forms. A body that comes too slowly ends with `request_timeout`. */
export function addBodyParsers(app: FastifyInstance, limits: ApiLimits): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  // fastify knows plain text by itself; here it is most likely JSON that lost its content type.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(['application/json'], { parseAs: 'string' }, (request, text, done) => {
    void parse(request, String(text), (error, value) => (error ? done(jsonError(String(text), error)) : done(null, value)));
  });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    // curl -d without a content type says "form" and sends JSON.
    if (!text.trimStart().startsWith('{')) done(null, new FormText(text));
    else void parse(request, text, (error, value) => (error ? done(jsonError(text, error)) : done(null, value)));
  });
  addBodyDeadline(app, limits);
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

const deadlines = new WeakMap<FastifyRequest, NodeJS.Timeout>();

function addBodyDeadline(app: FastifyInstance, limits: ApiLimits): void {
  const forget = async (request: FastifyRequest): Promise<void> => clearTimeout(deadlines.get(request));
  app.addHook('preParsing', async (request, _reply, payload) => {
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
export async function readValues(request: FastifyRequest, workflow: Workflow, stageFile: StageFile): Promise<Values> {
  if (request.isMultipart()) return readMultipart(request, workflow, stageFile);
  const { body } = request;
  if (body === undefined) return {};
  if (body instanceof FormText) return formValues(body.fields, workflow);
  if (isObject(body)) return body;
  throw new ComfleetError('invalid_body', 'The body must be one JSON object with the named inputs, like {"prompt": "..."}');
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function readMultipart(request: FastifyRequest, workflow: Workflow, stageFile: StageFile): Promise<Values> {
  const values = new Map<string, unknown>();
  if (!/;\s*boundary=/i.test(request.headers['content-type'] ?? '')) {
    throw new ComfleetError('invalid_body', 'The multipart body has no boundary in its Content-Type; let your client set that header');
  }
  for await (const part of request.parts()) {
    if (values.has(part.fieldname)) throw new ComfleetError('invalid_body', `The form has the field ${part.fieldname} twice`);
    if (part.type === 'file') {
      values.set(part.fieldname, (await stageFile({ content: part.file, filename: part.filename })).asset);
    } else {
      if (part.valueTruncated) throw new ComfleetError('body_too_large', `The field ${part.fieldname} is too long; send it as a file`);
      values.set(part.fieldname, fieldValue(workflow, part.fieldname, String(part.value)));
    }
  }
  if (values.size === 0) throw new ComfleetError('invalid_body', 'The multipart body has no parts; send at least one input, or {} as JSON');
  return Object.fromEntries(values);
}

function formValues(fields: URLSearchParams, workflow: Workflow): Values {
  const names = [...fields.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ComfleetError('invalid_body', `The form has the field ${twice} twice`);
  return Object.fromEntries(names.map((name) => [name, fieldValue(workflow, name, fields.get(name) ?? '')]));
}

const fieldValue = (workflow: Workflow, name: string, text: string): unknown =>
  fromText(
    workflow.inputs.find((input) => input.name === name),
    text,
  );

/** Forms know only text: what reads as the input's type becomes it, the rest is left for the check to refuse. */
function fromText(input: WorkflowInput | undefined, text: string): unknown {
  switch (input?.type) {
    case 'int':
    case 'float':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'boolean':
      if (/^(true|1|on|yes)$/i.test(text)) return true;
      return /^(false|0|off|no)$/i.test(text) ? false : text;
    case 'enum':
      return input.choices?.find((choice) => choice === text || JSON.stringify(choice) === text) ?? text;
    default:
      return text;
  }
}
