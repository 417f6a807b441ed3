import { crc32, constants, deflateRawSync, deflateSync } from 'node:zlib';

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
/** Of zlib's checksum. */
const adlerModulus = 65_521;

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

/** The colour of a bitmap that has only one. */
function onlyColor({ channels, data }: Bitmap): Uint8Array | null {
  const shifted = Buffer.compare(data.subarray(channels), data.subarray(0, -channels));
  return shifted === 0 ? data.subarray(0, channels) : null;
}

const quick = { level: 1, strategy: constants.Z_RLE, memLevel: 5, windowBits: 12 };

/** What follows the first pixel of a bitmap of one colour, deflated, by size: differences to its neighbours, all zero. */
const blankRows = new Map<string, Buffer>();
const blankSizes = 64;
const differenceToLeft = 1;
const differenceToAbove = 2;

function blank({ width, height, channels }: Bitmap): Buffer {
  const key = `${width} ${height} ${channels}`;
  let rows = blankRows.get(key);
  if (rows === undefined) {
    const length = 1 + width * channels;
    const plain = Buffer.alloc(length * height);
    for (let at = length; at < plain.length; at += length) plain[at] = differenceToAbove;
    if (blankRows.size >= blankSizes) blankRows.clear();
    rows = deflateRawSync(plain.subarray(1 + channels), quick);
    blankRows.set(key, rows);
  }
  return rows;
}

/**
 * The pixels of a bitmap of one colour, as fast whatever its size: the first one, stored as it is, and the same rest for all colours. What
 * zlib would sum up over the whole is known from the size.
 */
function solidPixels(bitmap: Bitmap, color: Uint8Array): Buffer {
  const { width, height, channels } = bitmap;
  const rowLength = 1 + width * channels;
  const length = rowLength * height;
  const first = [differenceToLeft, ...color];
  const sum = first.reduce((total, value) => total + value, 1 + differenceToAbove * (height - 1));
  const sums = first.reduce((total, value, at) => total + (length - at) * value, length + rowLength * height * (height - 1));
  const check = Buffer.alloc(4);
  check.writeUInt16BE(sums % adlerModulus, 0);
  check.writeUInt16BE(sum % adlerModulus, 2);
  const stored = [0x78, 0x01, 0, first.length, 0, ~first.length, 0xff];
  return Buffer.concat([Buffer.from(stored), Buffer.from(first), blank(bitmap), check]);
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
  const { channels, data } = bitmap;
  const color = onlyColor(bitmap);
  const header = headerOf(bitmap, colorTypes[channels] as number);
  const pixels = color ? solidPixels(bitmap, color) : deflateSync(rows(bitmap), data.length < filterFrom ? quick : { level: 3 });
  return Buffer.concat([signature, header, ...textsOf(chunks), chunk('IDAT', pixels), end]);
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
