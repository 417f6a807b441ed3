import { crc32, constants, deflateSync } from 'node:zlib';

/** A text chunk of a PNG; characters beyond Latin-1 must have been escaped. */
export interface TextChunk {
  readonly key: string;
  readonly text: string;
}

export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const colorTypes: Record<number, number> = { 3: 2, 4: 6 };
/** Tiny pictures are not filtered: it would take longer than what it saves. */
const filterFrom = 64 * 64 * 3 + 1;

function chunk(type: string, body: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(body.length + 12);
  result.writeUInt32BE(body.length, 0);
  result.write(type, 4, 'latin1');
  result.set(body, 8);
  result.writeUInt32BE(crc32(result.subarray(4, body.length + 8)), body.length + 8);
  return result;
}

const end = chunk('IEND', Buffer.alloc(0));

/** Rows with their filter byte in front: none, or the difference to the pixel on the left. */
function rows({ width, height, channels, data }: Bitmap): Buffer {
  const length = width * channels;
  const filter = data.length < filterFrom ? 0 : 1;
  const result = Buffer.allocUnsafe((length + 1) * height);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const from = y * length;
    result[to++] = filter;
    if (filter === 0) {
      result.set(data.subarray(from, from + length), to);
      to += length;
      continue;
    }
    for (let x = 0; x < length; x++) result[to++] = (data[from + x] as number) - (x < channels ? 0 : (data[from + x - channels] as number));
  }
  return result;
}

/** The colour of an RGB bitmap that has only one. */
function onlyColor({ channels, data }: Bitmap): Uint8Array | null {
  const shifted = Buffer.compare(data.subarray(channels), data.subarray(0, -channels));
  return channels === 3 && shifted === 0 ? data.subarray(0, 3) : null;
}

/** Compressed rows of zeros, by size: all pixels of a one-colour palette. */
const blankRows = new Map<string, Buffer>();
const blankSizes = 64;

function blank(width: number, height: number): Buffer {
  const key = `${width} ${height}`;
  let rows = blankRows.get(key);
  if (rows === undefined) {
    if (blankRows.size >= blankSizes) blankRows.clear();
    rows = chunk('IDAT', deflateSync(Buffer.alloc((width + 1) * height)));
    blankRows.set(key, rows);
  }
  return rows;
}

function headerOf({ width, height }: Bitmap, colorType: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = colorType;
  return chunk('IHDR', header);
}

const textsOf = (chunks: readonly TextChunk[]): Buffer[] =>
  chunks.map(({ key, text }) => chunk('tEXt', Buffer.from(`${key}\0${text}`, 'latin1')));

/** A bitmap of 3 or 4 channels as a PNG file with text chunks. */
export function encodePng(bitmap: Bitmap, chunks: readonly TextChunk[]): Buffer {
  const { width, height, channels, data } = bitmap;
  const color = onlyColor(bitmap);
  const header = headerOf(bitmap, color ? 3 : (colorTypes[channels] as number));
  const quick = { level: 1, strategy: constants.Z_RLE, memLevel: 5, windowBits: 12 };
  const pixels = color
    ? [chunk('PLTE', color), blank(width, height)]
    : [chunk('IDAT', deflateSync(rows(bitmap), data.length < filterFrom ? quick : { level: 3 }))];
  return Buffer.concat([signature, header, ...textsOf(chunks), ...pixels, end]);
}

/** Pictures of one size as one moving PNG that begins again at its end. */
export function encodeAnimatedPng(bitmaps: readonly Bitmap[], chunks: readonly TextChunk[], delayMs: number): Buffer {
  const [first] = bitmaps as readonly [Bitmap];
  const header = headerOf(first, colorTypes[first.channels] as number);
  const control = Buffer.alloc(8);
  control.writeUInt32BE(bitmaps.length, 0);
  let number = 0;
  const frames = bitmaps.flatMap((bitmap, index) => {
    const frame = Buffer.alloc(26);
    frame.writeUInt32BE(number++, 0);
    frame.writeUInt32BE(bitmap.width, 4);
    frame.writeUInt32BE(bitmap.height, 8);
    frame.writeUInt16BE(delayMs, 20);
    frame.writeUInt16BE(1000, 22);
    const pixels = deflateSync(rows(bitmap));
    if (index === 0) return [chunk('fcTL', frame), chunk('IDAT', pixels)];
    const place = Buffer.alloc(4);
    place.writeUInt32BE(number++);
    return [chunk('fcTL', frame), chunk('fdAT', Buffer.concat([place, pixels]))];
  });
  return Buffer.concat([signature, header, chunk('acTL', control), ...textsOf(chunks), ...frames, end]);
}

/** The text chunks of a PNG file, in order. Anything that is no PNG has none. */
export function readTextChunks(file: Uint8Array): TextChunk[] {
  const data = Buffer.from(file.buffer, file.byteOffset, file.length);
  const found: TextChunk[] = [];
  if (!data.subarray(0, 8).equals(signature)) return found;
  for (let at = 8; at + 12 <= data.length;) {
    const length = data.readUInt32BE(at);
    if (data.toString('latin1', at + 4, at + 8) === 'tEXt') {
      const body = data.toString('latin1', at + 8, at + 8 + length);
      const zero = body.indexOf('\0');
      found.push({ key: body.slice(0, zero), text: body.slice(zero + 1) });
    }
    at += length + 12;
  }
  return found;
}
