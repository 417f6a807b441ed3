import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseTaken } from '../exact-json.ts';
import { hostnameOf, isLoopbackAddress, isLoopbackHost } from '../loopback.ts';

/** The little of HTTP that a container needs; a framework for each of hundreds would be too heavy. */

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands where the route has `*`, decoded. */
  readonly parameters: readonly string[];
  /** Bytes that the body may have. */
  readonly maximumBody: number;
}

/** The body is larger than the server takes. */
export class BodyTooLarge extends Error {}

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

/** A 400 in the shape of ComfyUI's refusals of prompts. */
export const answerRefusal = (response: ServerResponse, type: string, message: string, details = ''): void =>
  answerJson(response, { error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);

/** What ComfyUI says when it did not foresee something. */
export const answerTrouble = (response: ServerResponse): void =>
  answerText(response, 500, '500 Internal Server Error\n\nServer got itself in trouble');

/** The whole body. Rejects with BodyTooLarge, or with the connection's error when it ends early. */
export async function readBody({ request, maximumBody }: Pick<Call, 'request' | 'maximumBody'>): Promise<Buffer> {
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

/** The body as JSON. Throws SyntaxError for anything else, and UntakenJson. */
export const readJson = async (call: Call): Promise<unknown> => parseTaken((await readBody(call)).toString(), JSON.parse);

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

/** A Host header that names this machine. */
export const isLoopback = (host: string): boolean => isLoopbackHost(hostnameOf(host) ?? '');

/**
 * A page of another site must not reach a container on this machine. Its Origin differs from the Host; or, where its name was made to
 * resolve to this machine, both are that name: then a Host that is none of this machine's gives it away, for which ComfyUI does not look.
 */
export function isForeign({ headers: { host, origin }, socket }: IncomingMessage): boolean {
  if (host === undefined) return false;
  if (!isLoopback(host)) return isLoopbackAddress(socket.localAddress ?? '');
  if (origin === undefined) return false;
  return URL.canParse(origin) ? new URL(origin).host !== host : true;
}
