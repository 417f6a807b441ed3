import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchesTag } from '../send-file.ts';

/** Smaller ones are not worth the work of either side. */
const worthwhile = 1_400;

type Encoding = 'br' | 'gzip' | 'identity';

const encoders = {
  // Level 5 is where Brotli is smaller than gzip and still as fast.
  br: (text: Buffer) => promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (text: Buffer) => promisify(gzip)(text),
  identity: async (text: Buffer) => text,
} as const;

/** A JSON document that many ask for: compressed once for each encoding that somebody understands, and told apart by its tag. */
export class EncodedDocument {
  readonly #text: Buffer;
  readonly #tag: string;
  readonly #encoded = new Map<Encoding, Promise<Buffer>>();

  constructor(json: string, tag: string) {
    this.#text = Buffer.from(json);
    this.#tag = tag;
  }

  async send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const encoding = this.#text.length < worthwhile ? 'identity' : chosen(request.headers['accept-encoding']);
    const etag = `"${this.#tag}-${encoding}"`;
    reply.headers({ etag, vary: 'accept-encoding', 'cache-control': 'private, no-cache' }).type('application/json; charset=utf-8');
    if (matchesTag(request.headers['if-none-match'], etag)) return reply.code(304).send();
    if (encoding !== 'identity') reply.header('content-encoding', encoding);
    return reply.send(await this.#as(encoding));
  }

  #as(encoding: Encoding): Promise<Buffer> {
    const known = this.#encoded.get(encoding);
    if (known) return known;
    const made = encoders[encoding](this.#text);
    this.#encoded.set(encoding, made);
    return made;
  }
}

/** The best that an Accept-Encoding header allows. */
function chosen(header: string | string[] | undefined): Encoding {
  const wishes = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((part): [string, boolean] => [part.split(';')[0]?.trim() ?? '', !/;\s*q=0(\.0*)?\s*$/.test(part)]),
  );
  const takes = (encoding: Encoding): boolean => wishes.get(encoding) ?? wishes.get('*') ?? false;
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : 'identity';
}
