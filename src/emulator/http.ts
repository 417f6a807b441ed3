import type { IncomingMessage, ServerResponse } from 'node:http';

/** The little of HTTP that a container needs; a framework for each of hundreds would be too heavy. */

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands for the route's last part. */
  readonly parameter: string;
}

/** The body is larger than a container takes. */
export class BodyTooLarge extends Error {}

export const maximumBody = 104_857_600;

export function answer(response: ServerResponse, status: number, type: string | null, body: string | Uint8Array): void {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, { ...(type ? { 'Content-Type': type } : {}), 'Content-Length': length });
  response.end(body);
}

export const answerJson = (response: ServerResponse, value: unknown, status = 200): void =>
  answer(response, status, 'application/json; charset=utf-8', JSON.stringify(value));

export const answerText = (response: ServerResponse, status: number, text: string): void =>
  answer(response, status, 'text/plain; charset=utf-8', text);

export const answerEmpty = (response: ServerResponse, status = 200): void => answer(response, status, null, '');

/** What ComfyUI says when it did not foresee something. */
export const answerTrouble = (response: ServerResponse): void =>
  answerText(response, 500, '500 Internal Server Error\n\nServer got itself in trouble');

/** The whole body. Rejects with BodyTooLarge, or with the connection's error when it ends early. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maximumBody) throw new BodyTooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maximumBody) chunks.push(chunk);
    });
    request.on('end', () => (length > maximumBody ? reject(new BodyTooLarge()) : resolve(Buffer.concat(chunks, length))));
    request.on('error', reject);
  });
}

/** The body as JSON. Throws SyntaxError for anything else. */
export const readJson = async (request: IncomingMessage): Promise<unknown> => JSON.parse((await readBody(request)).toString());

export interface Part {
  readonly name: string;
  /** Null: a plain value. */
  readonly filename: string | null;
  readonly content: Buffer;
}

/** The parts of a multipart body; none when it is something else. */
export function multipart(contentType: string | undefined, body: Buffer): Part[] {
  const boundary = /^multipart\/form-data;.*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '');
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return [];
  const parts: Part[] = [];
  const separator = Buffer.from(`--${mark}`);
  for (let at = body.indexOf(separator); at !== -1;) {
    const next = body.indexOf(separator, at + separator.length);
    const headerEnd = body.indexOf('\r\n\r\n', at);
    if (next === -1 || headerEnd === -1 || headerEnd > next) break;
    const header = body.toString('utf8', at + separator.length, headerEnd);
    const name = /\bname="([^"]*)"/.exec(header)?.[1];
    const filename = /filename="([^"]*)"/.exec(header)?.[1] ?? null;
    if (name !== undefined) parts.push({ name, filename, content: body.subarray(headerEnd + 4, next - 2) });
    at = next;
  }
  return parts;
}

export type Handler<Context> = (context: Context, call: Call) => void | Promise<void>;
export type Routes<Context> = Readonly<Record<string, Readonly<Record<string, Handler<Context>>>>>;

/** Finds the handlers of a path: the path itself, or its parent followed by `/*`. */
function find<Context>(routes: Routes<Context>, path: string): { methods: Routes<Context>[string]; parameter: string } | null {
  const exact = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (exact) return { methods: exact, parameter: '' };
  const slash = path.lastIndexOf('/');
  const general = `${path.slice(0, slash)}/*`;
  const methods = Object.hasOwn(routes, general) && slash < path.length - 1 ? routes[general] : undefined;
  return methods ? { methods, parameter: path.slice(slash + 1) } : null;
}

/** Answers a request by its route, each of which also stands under /api but for /internal. */
export async function dispatch<Context>(
  routes: Routes<Context>,
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [address = '/', search = ''] = splitOnce(request.url ?? '/', '?');
  const path = address.startsWith('/api/') && !address.startsWith('/api/internal/') ? address.slice(4) : address;
  const found = find(routes, path);
  if (!found) return answer(response, 404, 'application/octet-stream', '');
  const handler = found.methods[request.method === 'HEAD' ? 'GET' : (request.method ?? '')];
  if (!handler) {
    const allowed = Object.keys(found.methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    response.setHeader('Allow', allowed.join(','));
    return answerText(response, 405, '405: Method Not Allowed');
  }
  const parameter = decodeURIComponent(found.parameter);
  return handler(context, { request, response, query: new URLSearchParams(search), parameter });
}

const splitOnce = (text: string, mark: string): string[] => {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
};

/** A Host header that names this machine. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)(:\d+)?$/i.test(host);

/** A page of another site must not reach a container on this machine: its Origin differs from the Host, which is a loopback name. */
export function isForeign(request: IncomingMessage): boolean {
  const { host, origin } = request.headers;
  if (host === undefined || origin === undefined || !isLoopback(host)) return false;
  return URL.canParse(origin) ? new URL(origin).host !== host : true;
}
