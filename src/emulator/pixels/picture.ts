/**
 * What nodes pass around as IMAGE and MASK. Bytes stand for `value / 255` exactly; results of arithmetic are 32-bit floats, as in
 * ComfyUI. Large ones live in shared memory, so that workers read and write them without copies.
 */
export interface Picture {
  readonly kind: 'image' | 'mask';
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  /** 3 or 4 for images, 1 for masks. */
  readonly channels: number;
  readonly data: Uint8Array | Float32Array;
}

export interface Size {
  readonly width: number;
  readonly height: number;
  readonly batch: number;
}

/** Below this many values, memory is ordinary: shared memory costs more than a copy. */
const shareFrom = 16_384;

/** One picture may take this much: containers share their process, and a prompt can ask for terabytes. */
const mostBytes = 2 ** 30;

function memory(bytes: number): ArrayBuffer | SharedArrayBuffer {
  if (bytes > mostBytes) throw new Error(`DefaultCPUAllocator: not enough memory: you tried to allocate ${bytes} bytes.`);
  return bytes >= shareFrom ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
}

export const bytes = (length: number): Uint8Array => new Uint8Array(memory(length));
export const floats = (length: number): Float32Array => new Float32Array(memory(length * 4));

export const lengthOf = (picture: Picture): number => picture.batch * picture.height * picture.width * picture.channels;

/** The picture's values as floats: its own array, or a converted copy. */
export function floatsOf(picture: Picture): Float32Array {
  if (picture.data instanceof Float32Array) return picture.data;
  const source = picture.data;
  const target = floats(source.length);
  for (let i = 0; i < source.length; i++) target[i] = (source[i] as number) / 255;
  return target;
}

/** The picture's values as bytes, cut off and not rounded, as ComfyUI saves them. */
export function bytesOf(picture: Picture): Uint8Array {
  if (picture.data instanceof Uint8Array) return picture.data;
  const source = picture.data;
  const target = new Uint8Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const value = Math.fround(255 * (source[i] as number));
    target[i] = value <= 0 ? 0 : value >= 255 ? 255 : value;
  }
  return target;
}

/** One picture of a batch; shares the memory. */
export function pick(picture: Picture, index: number): Picture {
  const length = picture.height * picture.width * picture.channels;
  return { ...picture, batch: 1, data: picture.data.subarray(index * length, (index + 1) * length) };
}

export const isPicture = (value: unknown): value is Picture =>
  typeof value === 'object' && value !== null && 'data' in value && 'channels' in value;
