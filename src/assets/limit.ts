import type { Readable } from 'node:stream';
import { ComfleetError } from '../errors.ts';

/** The chunks of a stream, until they are more than allowed: then `body_too_large`. */
export async function* limited(content: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of content as AsyncIterable<Buffer | string>) {
    const buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += buffer.length;
    checkSize(bytes, maxBytes);
    yield buffer;
  }
}

export function checkSize(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes)
    throw new ComfleetError('body_too_large', `The file has more than the ${maxBytes} bytes that are allowed.`, { max_bytes: maxBytes });
}

export const noAsset = (id: string): ComfleetError => new ComfleetError('not_found', `There is no asset ${id}.`);
