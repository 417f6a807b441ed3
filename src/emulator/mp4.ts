/** A video of JPEG pictures in an MP4 file: valid, and made without an encoder for video. */

export interface Mp4 {
  readonly frames: readonly Uint8Array[];
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Free text that players do not show. */
  readonly note: string;
}

const u8 = (...values: number[]): Buffer => Buffer.from(values);
const u16 = (...values: number[]): Buffer => Buffer.concat(values.map((value) => u8((value >> 8) & 255, value & 255)));
const u32 = (...values: number[]): Buffer => {
  const result = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) result.writeUInt32BE(value >>> 0, at * 4);
  return result;
};

function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

/** A box with version and flags. */
const full = (type: string, flags: number, ...parts: readonly Uint8Array[]): Buffer => box(type, u32(flags), ...parts);

/** Turns nothing: the unit matrix of MP4. */
const matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
const timescale = 1000;

/** Says that samples are JPEG pictures (object type 0x6c). */
function description(width: number, height: number): Buffer {
  const config = Buffer.concat([u8(0x6c, 0x11), u8(0, 0, 0), u32(0, 0)]);
  const es = full('esds', 0, u8(3, 3 + 2 + config.length + 3), u16(1), u8(0), u8(4, config.length), config, u8(6, 1, 2));
  const entry = [Buffer.alloc(6), u16(1), Buffer.alloc(16), u16(width, height), u32(0x480000, 0x480000, 0), u16(1)];
  return full('stsd', 0, u32(1), box('mp4v', ...entry, Buffer.alloc(32), u16(24, 0xffff), es));
}

export function encodeMp4({ frames, width, height, fps, note }: Mp4): Buffer {
  const type = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isomiso2mp41'));
  const free = box('free', Buffer.from(note));
  const data = box('mdat', ...frames);
  const begin = type.length + free.length + 8;
  const step = Math.round(timescale / fps);
  const duration = step * frames.length;
  const table = box(
    'stbl',
    description(width, height),
    full('stts', 0, u32(1, frames.length, step)),
    full('stsc', 0, u32(1, 1, frames.length, 1)),
    full('stsz', 0, u32(0, frames.length, ...frames.map((frame) => frame.length))),
    full('stco', 0, u32(1, begin)),
  );
  const reference = box('dinf', full('dref', 0, u32(1), full('url ', 1)));
  const information = box('minf', full('vmhd', 1, Buffer.alloc(8)), reference, table);
  const handler = full('hdlr', 0, u32(0), Buffer.from('vide'), Buffer.alloc(12), Buffer.from('video\0'));
  const media = box('mdia', full('mdhd', 0, u32(0, 0, timescale, duration), u16(0x55c4, 0)), handler, information);
  const place = [u32(0, 0, 1, 0, duration, 0, 0), u16(0, 0, 0, 0), matrix, u32(width << 16, height << 16)];
  const track = box('trak', full('tkhd', 3, ...place), media);
  const movie = [u32(0, 0, timescale, duration, 0x10000), u16(0x100, 0), u32(0, 0), matrix, Buffer.alloc(24), u32(2)];
  return Buffer.concat([type, free, data, box('moov', full('mvhd', 0, ...movie), track)]);
}
