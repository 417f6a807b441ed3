import { floats, floatsOf } from './picture.ts';
import type { Picture } from './picture.ts';

export type ResampleMethod = 'nearest-exact' | 'bilinear' | 'area' | 'bicubic' | 'lanczos' | 'bislerp';

/** For one output coordinate: which input coordinates count, and how much. */
interface Window {
  readonly start: number;
  readonly weights: readonly number[];
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

function cubic(distance: number): number {
  const x = Math.abs(distance);
  const a = -0.75;
  if (x < 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * (x ** 3 - 5 * x ** 2 + 8 * x - 4) : 0;
}

function lanczos3(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  const t = Math.PI * x;
  return (3 * Math.sin(t) * Math.sin(t / 3)) / (t * t);
}

/** Weights of a kernel around `center`; coordinates beyond the border count for the border, as torch does it. */
function around(center: number, radius: number, inputs: number, kernel: (distance: number) => number): Window {
  const first = Math.ceil(center - radius);
  const last = Math.floor(center + radius);
  const start = Math.min(Math.max(first, 0), inputs - 1);
  const end = Math.max(Math.min(last, inputs - 1), start);
  const weights = Array.from({ length: end - start + 1 }, () => 0);
  let sum = 0;
  for (let i = first; i <= last; i++) {
    const weight = kernel(i - center);
    const at = Math.min(Math.max(i, start), end) - start;
    weights[at] = (weights[at] as number) + weight;
    sum += weight;
  }
  return { start, weights: sum === 0 ? weights.map(() => 1 / weights.length) : weights.map((weight) => weight / sum) };
}

function windows(inputs: number, outputs: number, method: ResampleMethod): Window[] {
  const scale = inputs / outputs;
  const result: Window[] = [];
  for (let i = 0; i < outputs; i++) {
    const center = (i + 0.5) * scale - 0.5;
    if (method === 'nearest-exact') {
      result.push({ start: Math.min(Math.floor((i + 0.5) * scale), inputs - 1), weights: [1] });
    } else if (method === 'area') {
      const start = Math.floor(i * scale);
      const end = Math.max(Math.ceil((i + 1) * scale), start + 1);
      result.push({ start, weights: Array.from({ length: end - start }, () => 1 / (end - start)) });
    } else if (method === 'lanczos') {
      const stretch = Math.max(scale, 1);
      result.push(around(center, 3 * stretch, inputs, (x) => lanczos3(x / stretch)));
    } else if (method === 'bicubic') {
      result.push(around(center, 2, inputs, cubic));
    } else {
      result.push(around(center, 1, inputs, triangle));
    }
  }
  return result;
}

/** Applies windows along one axis of data laid out as `[outer, axis, inner]`. */
function along(source: Float32Array, outer: number, inputs: number, inner: number, table: readonly Window[]): Float32Array {
  const target = floats(outer * table.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    const base = o * inputs * inner;
    for (const { start, weights } of table) {
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        let from = base + start * inner + i;
        for (const weight of weights) {
          sum += weight * (source[from] as number);
          from += inner;
        }
        target[at++] = sum;
      }
    }
  }
  return target;
}

function cropToRatio(picture: Picture, width: number, height: number): Picture {
  const old = picture.width / picture.height;
  const wanted = width / height;
  const x = old > wanted ? Math.round((picture.width - picture.width * (wanted / old)) / 2) : 0;
  const y = old < wanted ? Math.round((picture.height - picture.height * (old / wanted)) / 2) : 0;
  return crop(picture, x, y, Math.max(1, picture.width - 2 * x), Math.max(1, picture.height - 2 * y));
}

/** The part of a picture that begins at (x, y), cut where the picture ends. */
export function crop(picture: Picture, x: number, y: number, width: number, height: number): Picture {
  const left = Math.min(x, picture.width - 1);
  const top = Math.min(y, picture.height - 1);
  const newWidth = Math.min(width, picture.width - left);
  const newHeight = Math.min(height, picture.height - top);
  const row = newWidth * picture.channels;
  const length = picture.batch * newHeight * row;
  const data = picture.data instanceof Uint8Array ? new Uint8Array(length) : floats(length);
  for (let b = 0; b < picture.batch; b++) {
    for (let line = 0; line < newHeight; line++) {
      const from = ((b * picture.height + top + line) * picture.width + left) * picture.channels;
      data.set(picture.data.subarray(from, from + row), (b * newHeight + line) * row);
    }
  }
  return { ...picture, width: newWidth, height: newHeight, data };
}

/** The picture at another size. A width or height of 0 keeps the ratio. */
export function resample(picture: Picture, width: number, height: number, method: ResampleMethod, cut: boolean): Picture {
  if (width === 0 && height === 0) return picture;
  const newWidth = width === 0 ? Math.max(1, Math.round((picture.width * height) / picture.height)) : width;
  const newHeight = height === 0 ? Math.max(1, Math.round((picture.height * width) / picture.width)) : height;
  const source = cut ? cropToRatio(picture, newWidth, newHeight) : picture;
  if (source.width === newWidth && source.height === newHeight) return source;
  const { batch, channels } = source;
  const wide = along(floatsOf(source), batch * source.height, source.width, channels, windows(source.width, newWidth, method));
  const data = along(wide, batch, source.height, newWidth * channels, windows(source.height, newHeight, method));
  return { ...source, width: newWidth, height: newHeight, data };
}
