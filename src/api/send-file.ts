import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Assets } from '../assets/assets.ts';
import { ComfleetError } from '../errors.ts';

/** A file on its way to a client. */
export interface SentFile {
  /** An asset, or the bytes themselves. */
  readonly content: string | Buffer;
  readonly bytes: number;
  readonly mime: string;
  /** Without quotes; changes with the bytes. */
  readonly tag: string;
  readonly filename: string;
  readonly cacheControl: string;
}

/** Kinds that a browser would run as a page of ours: they are downloaded, and sandboxed when shown all the same. */
const active = /^(image\/svg\+xml|text\/html|application\/xhtml\+xml|(text|application)\/xml|application\/pdf|text\/javascript)/i;

/** Up to this size a file is read at once: anything else has ten times the steps. */
const inMemory = 256 * 1024;

/**
 * Answers with a file; understands Range, If-Range, If-None-Match and HEAD. Errors: `range_not_satisfiable`, and `not_found` when the
 * asset is gone.
 */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, assets: Assets, file: SentFile): Promise<FastifyReply> {
  const etag = `"${file.tag}"`;
  reply
    .type(file.mime)
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    .header('cache-control', file.cacheControl)
    .header('content-disposition', disposition(file))
    .header('content-security-policy', "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  if (matchesTag(request.headers['if-none-match'], etag)) return reply.code(304).send();

  const size = file.bytes;
  const range = rangeOf(request, etag, size);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`);
    throw new ComfleetError('range_not_satisfiable', `The file has ${size} bytes`);
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  reply.header('content-length', end - start + 1);
  // A stream, though empty, leaves the length as it is.
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  if (typeof file.content !== 'string') return reply.send(file.content.subarray(start, end + 1));
  if (end - start < inMemory) {
    return reply.send(range ? (await assets.read(file.content, range)).stream : await assets.bytes(file.content));
  }
  await pour(reply, assets, file.content, { start, end });
  return reply;
}

/** Writes a large range to the connection itself, piece by piece. A client that goes, or a file that breaks off, ends the connection. */
async function pour(reply: FastifyReply, assets: Assets, asset: string, range: ByteRange): Promise<void> {
  const { raw } = reply;
  const gone = new Promise<never>((_resolve, reject) => raw.once('close', () => reject(new Error('the client is gone'))));
  // Also when nobody waits for a piece.
  gone.catch(() => undefined);
  const write = (piece: Buffer): Promise<void> =>
    new Promise((resolve, reject) => raw.write(piece, (error) => (error ? reject(error) : resolve())));
  let left = range.end + 1 - range.start;
  try {
    await assets.pour(asset, range, async (piece) => {
      // Not before the file is there: until then there can be another answer.
      if (!reply.sent) raw.writeHead(reply.hijack().statusCode, reply.getHeaders() as OutgoingHttpHeaders);
      left -= piece.length;
      await Promise.race([write(piece), gone]);
    });
  } catch (error) {
    if (!reply.sent) throw error;
  }
  if (left > 0) raw.destroy();
  else raw.end();
}

/** Does an If-None-Match header name this tag? */
export function matchesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => part.trim() === '*' || part.trim().replace(/^W\//, '') === etag);
}

type ByteRange = { readonly start: number; readonly end: number };

/** One range; several at once are answered with the whole, which RFC 9110 allows. Null: the whole. */
function rangeOf(request: FastifyRequest, etag: string, size: number): ByteRange | 'unsatisfiable' | null {
  const { range, 'if-range': ifRange } = request.headers;
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return null;
  const match = /^bytes=(\d*)-(\d*)$/.exec(range.trim());
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [, first = '', last = ''] = match;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return null;
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}

/** File names come from clients: only plain characters stand in the quoted form. */
function disposition({ filename, mime }: SentFile): string {
  const base = filename.split(/[\\/]/).at(-1) || 'output';
  const plain = base.replace(/[^\w. -]/g, '_');
  const encoded = encodeURIComponent(base).replace(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${active.test(mime) ? 'attachment' : 'inline'}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
