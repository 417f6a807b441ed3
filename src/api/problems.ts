import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ComfleetError, toProblem, type ErrorCode, type Problem } from '../errors.ts';
import { unsupported } from './body.ts';
import type { ApiContext } from './context.ts';

export const problemType = 'application/problem+json; charset=utf-8';
const defaultRetryAfterSeconds = 5;
/** Of a body that is refused unread. */
const skippedBytes = 64 * 1024 * 1024;

/** Codes of fastify and its plug-ins that mean something of the catalogue, and what they mean. */
const fastifyCodes: Readonly<Record<string, readonly [ErrorCode, (request: FastifyRequest) => string]>> = {
  FST_ERR_BAD_URL: ['invalid_parameter', ({ url }) => `The path ${JSON.stringify(url.slice(0, 200))} is not percent-encoded correctly`],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', () => 'There is nothing at a path that long'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', ({ routeOptions }) => `The body has more than ${routeOptions.bodyLimit} bytes`],
  FST_REQ_FILE_TOO_LARGE: ['body_too_large', () => 'A file of the form is too large'],
  FST_PARTS_LIMIT: ['body_too_large', () => 'The form has too many parts'],
  FST_FILES_LIMIT: ['body_too_large', () => 'The form has too many parts'],
  FST_PROTO_VIOLATION: ['invalid_body', () => 'The form has a field with a name that is not allowed, such as __proto__'],
};

/** What the reader of forms says of one that is cut off or malformed; it has no codes. */
const brokenForm = /^(Unexpected end of multipart data|Part terminated early|Malformed part header)/;

/** The disk has no room: nothing was kept, and the caller can do nothing about it. */
const fullDisk = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** Any error as one of the catalogue; what is not known stays as it is, and is shown as `internal`. */
export function asCatalogued(error: unknown, request: FastifyRequest): unknown {
  if (error instanceof ComfleetError || !(error instanceof Error)) return error;
  const { code = '', statusCode = 500 } = error as Partial<FastifyError> & Error;
  if (fullDisk.has(code)) return new ComfleetError('store_failed', `The disk refused to store it: ${code}`, {}, { cause: error });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return unsupported(request);
  const known = fastifyCodes[code];
  if (known) return new ComfleetError(known[0], known[1](request), {}, { cause: error });
  if (brokenForm.test(error.message))
    return new ComfleetError('invalid_body', `The form is cut off or malformed: ${error.message}`, {}, { cause: error });
  if (statusCode >= 400 && statusCode < 500) return new ComfleetError('invalid_body', error.message, {}, { cause: error });
  return error;
}

/** Answers with the problem document of an error, and the headers that go with its status. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  return answerProblem(request, reply, thrown, problemType, (problem) => ({ ...problem, request_id: request.id }));
}

/** The same in a dialect's own envelope. */
export function answerProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  type: string,
  envelope: (problem: Problem) => object,
): FastifyReply {
  const problem = toProblem(asCatalogued(thrown, request));
  const { retry_after: retryAfter } = problem;
  if (problem.status === 429 || problem.status === 503) {
    reply.header('retry-after', String(typeof retryAfter === 'number' ? Math.ceil(retryAfter) : defaultRetryAfterSeconds));
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="comfleet"');
  if (leavesBody(request)) reply.header('connection', 'close');
  // Fastify closes after every body that is too large, and many clients then never see why.
  else reply.removeHeader('connection');
  return reply
    .code(problem.status)
    .type(type)
    .header('cache-control', 'no-store')
    .send(JSON.stringify(envelope(problem)));
}

/**
 * Is there a rest of the body that would be in the way of a next request? Then the connection ends with the answer. A body that nobody has
 * begun to read is skipped by Node, so that clients which first send all of it get to see the answer; but not one of any length.
 */
function leavesBody({ headers, raw }: FastifyRequest): boolean {
  const length = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity;
  return length > 0 && !raw.complete && (raw.readableDidRead || length > skippedBytes);
}

export function addProblems(app: FastifyInstance, context: ApiContext): void {
  app.setErrorHandler((error, request, reply) => {
    logInternal(context, request, error);
    return sendProblem(request, reply, error);
  });
  const allowedMethods = collectMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = allowedMethods(path);
    if (allowed.length === 0) return sendProblem(request, reply, new ComfleetError('not_found', `There is nothing at ${path}`));
    reply.header('allow', allowed.join(', '));
    return sendProblem(
      request,
      reply,
      new ComfleetError('method_not_allowed', `${path} takes ${allowed.join(', ')}, not ${request.method}`),
    );
  });
}

/** Writes down an error that is nobody's but comfleet's own. */
export function logInternal({ logger }: ApiContext, request: FastifyRequest, error: unknown): void {
  if (toProblem(asCatalogued(error, request)).code !== 'internal') return;
  logger.error({ event: 'request_failed', component: 'api', request_id: request.id, error }, 'request failed');
}

/** The methods that some route takes at a path; looked up only for requests that no route took. */
function collectMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // Every file of the page is a path of its own; a method is no question there.
    if (url.endsWith('*')) return;
    const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[a-zA-Z]+/g, '[^/]+')}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].sort();
}

/** Answers what was no HTTP request at all, or did not arrive in time. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const problem = late
    ? toProblem(new ComfleetError('request_timeout', 'The request did not arrive in time'))
    : toProblem(new ComfleetError('invalid_body', `This is not a whole HTTP request: ${error.message}`));
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : problem.status;
  const body = JSON.stringify({ ...problem, status });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
