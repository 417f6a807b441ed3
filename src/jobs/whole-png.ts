import { Readable } from 'node:stream';
import { ComfleetError } from '../errors.ts';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
/** Of a chunk: length and type before its data, a checksum after them. */
const headerBytes = 8;
const checksumBytes = 4;

/**
 * Passes a file on, and fails at its end with `container_lost` if it is a PNG whose last chunk is missing: it was cut short, by a full disk
 * of the container or on its way. What follows the last chunk, and what is no PNG, is nobody's business.
 */
export const wholePng = (file: Readable): Readable => Readable.from(checked(file), { objectMode: false });

async function* checked(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walk = new ChunkWalk();
  for await (const bytes of file) {
    walk.take(bytes);
    yield bytes;
  }
  if (!walk.complete) throw new ComfleetError('container_lost', 'the container gave a picture that was cut short');
}

/** Steps from chunk to chunk, whatever pieces the bytes come in. */
class ChunkWalk {
  /** Of the signature first, then of each chunk. */
  #header = Buffer.alloc(0);
  #skip = 0;
  #started = false;
  #ended = false;

  /** Seen to its end, or no PNG at all. */
  get complete(): boolean {
    return this.#ended || (!this.#started && !signature.subarray(0, this.#header.length).equals(this.#header));
  }

  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#ended;) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      this.#skip -= skipped;
      at += skipped;
      const part = bytes.subarray(at, at + headerBytes - this.#header.length);
      this.#header = Buffer.concat([this.#header, part]);
      at += part.length;
      if (this.#header.length === headerBytes) this.#readHeader(this.#header);
    }
  }

  #readHeader(header: Buffer): void {
    this.#header = Buffer.alloc(0);
    if (this.#started) {
      this.#ended = header.toString('latin1', 4) === 'IEND';
      this.#skip = header.readUInt32BE(0) + checksumBytes;
    } else {
      this.#started = true;
      this.#ended = !header.equals(signature);
    }
  }
}
