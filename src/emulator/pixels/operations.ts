import { bytes, bytesOf, floats, floatsOf, lengthOf, pick } from './picture.ts';
import type { Picture, Size } from './picture.ts';
import { crop, resample } from './resample.ts';
import { blendOperations } from './blends.ts';
import { draw, label } from './draw.ts';
import { editOperations } from './edits.ts';
import { encodeAnimatedPng, encodePng } from '../png.ts';
import type { TextChunk } from '../png.ts';

/** Pixel work. Every function is pure and takes plain data, so that it runs here or in a worker alike. */

function solidImage(size: Size, color: number): Picture {
  const data = bytes(size.batch * size.height * size.width * 3);
  const [red, green, blue] = [(color >> 16) & 255, (color >> 8) & 255, color & 255];
  if (red === green && green === blue) data.fill(red);
  else {
    for (let i = 0; i < data.length; i += 3) {
      data[i] = red;
      data[i + 1] = green;
      data[i + 2] = blue;
    }
  }
  return { kind: 'image', ...size, channels: 3, data };
}

function solidMask(size: Size, value: number): Picture {
  return { kind: 'mask', ...size, channels: 1, data: floats(size.batch * size.height * size.width).fill(value) };
}

const map = (picture: Picture, change: (value: number) => number): Picture => {
  const source = floatsOf(picture);
  const data = floats(source.length);
  for (let i = 0; i < source.length; i++) data[i] = change(source[i] as number);
  return { ...picture, data };
};

const invert = (picture: Picture): Picture => map(picture, (value) => 1 - value);

/** `[image, mask]` of a decoded file: the mask is 1 - alpha, or 64 x 64 zeros without alpha. */
function split(rgba: Picture): [Picture, Picture] {
  const { width, height, channels } = rgba;
  const source = bytesOf(rgba);
  const count = width * height;
  const colors = bytes(count * 3);
  const alpha = channels === 4 ? floats(count) : null;
  for (let i = 0; i < count; i++) {
    const from = i * channels;
    colors[i * 3] = source[from] as number;
    colors[i * 3 + 1] = source[from + (channels < 3 ? 0 : 1)] as number;
    colors[i * 3 + 2] = source[from + (channels < 3 ? 0 : 2)] as number;
    if (alpha) alpha[i] = 1 - Math.fround((source[from + 3] as number) / 255);
  }
  const image: Picture = { kind: 'image', batch: 1, width, height, channels: 3, data: colors };
  const mask: Picture = alpha
    ? { kind: 'mask', batch: 1, width, height, channels: 1, data: alpha }
    : solidMask({ width: 64, height: 64, batch: 1 }, 0);
  return [image, mask];
}

function imageToMask(image: Picture, channel: number): Picture {
  const source = floatsOf(image);
  const count = image.batch * image.width * image.height;
  const data = floats(count);
  for (let i = 0; i < count; i++) data[i] = source[i * image.channels + channel] as number;
  return { ...image, kind: 'mask', channels: 1, data };
}

function maskToImage(mask: Picture): Picture {
  const source = floatsOf(mask);
  const data = floats(source.length * 3);
  for (let i = 0; i < source.length; i++) data.fill(source[i] as number, i * 3, i * 3 + 3);
  return { ...mask, kind: 'image', channels: 3, data };
}

function feather(mask: Picture, left: number, top: number, right: number, bottom: number): Picture {
  const { width, height, batch } = mask;
  const data = floats(lengthOf(mask));
  data.set(floatsOf(mask));
  const edge = (size: number, limit: number): number => Math.min(size, limit);
  const rate = (from: number, span: number): number => (from < span ? (from + 1) / span : 1);
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < height; y++) {
      const vertical = rate(y, edge(top, height)) * rate(height - 1 - y, edge(bottom, height));
      for (let x = 0; x < width; x++) {
        const at = (b * height + y) * width + x;
        data[at] = (data[at] as number) * vertical * rate(x, edge(left, width)) * rate(width - 1 - x, edge(right, width));
      }
    }
  }
  return { ...mask, data };
}

function join(first: Picture, second: Picture): Picture {
  const other = resample(second, first.width, first.height, 'bilinear', true);
  const both = first.data instanceof Uint8Array && other.data instanceof Uint8Array;
  const data = both ? bytes(lengthOf(first) + lengthOf(other)) : floats(lengthOf(first) + lengthOf(other));
  data.set(both ? first.data : floatsOf(first));
  data.set(both ? other.data : floatsOf(other), lengthOf(first));
  return { ...first, batch: first.batch + other.batch, data };
}

const softCurve = (x: number): number => (x <= 0.25 ? ((16 * x - 12) * x + 4) * x : Math.sqrt(x));

const blendModes = {
  normal: (_a: number, b: number): number => b,
  multiply: (a: number, b: number): number => a * b,
  screen: (a: number, b: number): number => 1 - (1 - a) * (1 - b),
  overlay: (a: number, b: number): number => (a <= 0.5 ? 2 * a * b : 1 - 2 * (1 - a) * (1 - b)),
  soft_light: (a: number, b: number): number => (b <= 0.5 ? a - (1 - 2 * b) * a * (1 - a) : a + (2 * b - 1) * (softCurve(a) - a)),
  difference: (a: number, b: number): number => a - b,
};
export type BlendMode = keyof typeof blendModes;

function blend(first: Picture, second: Picture, factor: number, mode: BlendMode): Picture {
  const a = floatsOf(first);
  const b = floatsOf(resample(second, first.width, first.height, 'bicubic', true));
  const data = floats(a.length);
  const mix = blendModes[mode];
  for (let i = 0; i < a.length; i++) {
    const base = a[i] as number;
    data[i] = Math.min(1, Math.max(0, base * (1 - factor) + mix(base, b[i % b.length] as number) * factor));
  }
  return { ...first, data };
}

interface Placement {
  readonly x: number;
  readonly y: number;
  readonly resize: boolean;
}

function composite(under: Picture, over: Picture, mask: Picture | null, { x, y, resize }: Placement): Picture {
  const source = resize ? resample(over, under.width, under.height, 'bilinear', false) : over;
  const shade = mask ? floatsOf(resample(mask, source.width, source.height, 'bilinear', false)) : null;
  const colors = floatsOf(source);
  const data = floats(lengthOf(under));
  data.set(floatsOf(under));
  const columns = Math.min(source.width, under.width - x);
  const rows = Math.min(source.height, under.height - y);
  for (let b = 0; b < under.batch; b++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const from = ((b % source.batch) * source.height + row) * source.width + column;
        const to = ((b * under.height + y + row) * under.width + x + column) * under.channels;
        const share = shade ? (shade[from % shade.length] as number) : 1;
        for (let c = 0; c < under.channels; c++) {
          const over = c < source.channels ? (colors[from * source.channels + c] as number) : 1;
          data[to + c] = share * over + (1 - share) * (data[to + c] as number);
        }
      }
    }
  }
  return { ...under, data };
}

const mirror = (at: number, size: number): number => {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = Math.abs(at) % period;
  return folded < size ? folded : period - folded;
};

function blur(image: Picture, radius: number, sigma: number): Picture {
  const { width, height, batch, channels } = image;
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-(((i - radius) / sigma) ** 2) / 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const pass = (source: Float32Array, horizontal: boolean): Float32Array => {
    const target = floats(source.length);
    for (let i = 0; i < source.length; i++) {
      const pixel = Math.floor(i / channels);
      const [x, line] = [pixel % width, Math.floor(pixel / width)];
      const [y, base] = [line % height, line - (line % height)];
      let total = 0;
      for (let k = -radius; k <= radius; k++) {
        const at = horizontal ? line * width + mirror(x + k, width) : (base + mirror(y + k, height)) * width + x;
        total += (weights[k + radius] as number) * (source[at * channels + (i % channels)] as number);
      }
      target[i] = total / sum;
    }
    return target;
  };
  return { ...image, batch, data: pass(pass(floatsOf(image), true), false) };
}

/** A file that goes from a worker to whoever asked without being copied there. */
function shared(file: Uint8Array): Uint8Array {
  const copy = bytes(file.length);
  copy.set(file);
  return copy;
}

/** Each picture of the batch as a PNG file. */
function encode(picture: Picture, chunks: readonly TextChunk[]): Uint8Array[] {
  return Array.from({ length: picture.batch }, (_, index) => {
    const one = pick(picture, index);
    return shared(encodePng({ width: one.width, height: one.height, channels: one.channels, data: bytesOf(one) }, chunks));
  });
}

/** Approximate only by the rounding of floats: a picture and so many times what a blur takes away from it. */
function sharpen(image: Picture, radius: number, sigma: number, amount: number): Picture {
  const source = floatsOf(image);
  const soft = floatsOf(blur(image, radius, sigma));
  const data = floats(source.length);
  for (let i = 0; i < data.length; i++) {
    const value = source[i] as number;
    data[i] = Math.min(1, Math.max(0, value + 10 * amount * (value - (soft[i] as number))));
  }
  return { ...image, data };
}

/** The whole batch as one moving PNG file. */
function encodeAnimation(picture: Picture, chunks: readonly TextChunk[], delayMs: number): Uint8Array {
  const bitmaps = Array.from({ length: picture.batch }, (_, index) => {
    const one = pick(picture, index);
    return { width: one.width, height: one.height, channels: one.channels, data: bytesOf(one) };
  });
  return shared(encodeAnimatedPng(bitmaps, chunks, delayMs));
}

export const operations = {
  ...editOperations,
  ...blendOperations,
  sharpen,
  solidImage,
  solidMask,
  invert,
  split,
  imageToMask,
  maskToImage,
  feather,
  join,
  blend,
  composite,
  blur,
  crop,
  resample,
  encode,
  encodeAnimation,
  draw,
  label,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;
