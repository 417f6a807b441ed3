import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { HttpRequest, HttpResponse, Json } from './transcript.ts';

/** Where the recorded server listened. */
const recordedHost = '127.0.0.1:8199';

/** Sends a recorded request to the server at `url`. */
export async function ask(url: string, request: HttpRequest): Promise<HttpResponse> {
  const search = new URLSearchParams(request.query).toString();
  const address = `${url}${request.path}${search === '' ? '' : `?${search}`}`;
  const headers: Record<string, string> = { ...request.headers };
  if (request.json !== undefined) headers['Content-Type'] ??= 'application/json';
  if (headers['If-None-Match']) headers['If-None-Match'] = (await fetch(address)).headers.get('etag') ?? '';
  if (headers['Origin']) headers['Origin'] = headers['Origin'].replace(recordedHost, new URL(url).host);
  const text = request.json === undefined ? (request.body ?? '') : JSON.stringify(request.json);
  const content = request.multipart ? form(request.multipart, headers) : Buffer.from(text);
  const { answer, bytes } = await send(address, request.method, headers, content);
  const type = answer.headers['content-type'] ?? '';
  const found = { status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string> };
  if (bytes.length === 0) return { ...found, empty: true };
  if (type.startsWith('application/json') && request.path !== '/view') return { ...found, json: JSON.parse(bytes.toString()) as Json };
  if (type.startsWith('text/')) return { ...found, text: bytes.toString() };
  return { ...found, base64: bytes.toString('base64') };
}

/** By hand and not by fetch, which sets Host itself and drops empty file names. */
async function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: Buffer,
): Promise<{ answer: IncomingMessage; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: { ...headers, 'Content-Length': body.length } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ answer, bytes: Buffer.concat(chunks) }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function form(parts: NonNullable<HttpRequest['multipart']>, headers: Record<string, string>): Buffer {
  const boundary = 'golden-boundary';
  headers['Content-Type'] = `multipart/form-data; boundary=${boundary}`;
  const chunks: (string | Buffer)[] = [];
  for (const { name, value, filename, content_type, base64 } of parts) {
    const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
    if (filename === undefined) chunks.push(`${disposition}\r\n\r\n${value ?? ''}\r\n`);
    else {
      chunks.push(`${disposition}; filename="${filename}"\r\nContent-Type: ${content_type}\r\n\r\n`);
      chunks.push(Buffer.from(base64 ?? '', 'base64'), '\r\n');
    }
  }
  chunks.push(`--${boundary}--\r\n`);
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string)));
}
