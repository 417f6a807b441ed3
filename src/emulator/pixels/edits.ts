import { seededStream } from '../seeded.ts';
import { bytes, bytesOf, floats, floatsOf, lengthOf, pick } from './picture.ts';
import type { Picture } from './picture.ts';
import { resample } from './resample.ts';

/** Pixel work that moves pixels about, or changes each by its neighbours. */

/** A picture of another size, whose pixels come from `from(x, y)` of the old one. */
function moved(picture: Picture, width: number, height: number, from: (x: number, y: number) => readonly [number, number]): Picture {
  const { batch, channels } = picture;
  const length = batch * width * height * channels;
  const data = picture.data instanceof Uint8Array ? bytes(length) : floats(length);
  let to = 0;
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [oldX, oldY] = from(x, y);
        const at = ((b * picture.height + oldY) * picture.width + oldX) * channels;
        for (let c = 0; c < channels; c++) data[to++] = picture.data[at + c] as number;
      }
    }
  }
  return { ...picture, width, height, data };
}

/** Turned clockwise, so many times by a quarter. */
function rotate(picture: Picture, quarters: number): Picture {
  const { width, height } = picture;
  if (quarters === 1) return moved(picture, height, width, (x, y) => [y, height - 1 - x]);
  if (quarters === 2) return moved(picture, width, height, (x, y) => [width - 1 - x, height - 1 - y]);
  if (quarters === 3) return moved(picture, height, width, (x, y) => [width - 1 - y, x]);
  return picture;
}

function flip(picture: Picture, upsideDown: boolean): Picture {
  const { width, height } = picture;
  return moved(picture, width, height, (x, y) => (upsideDown ? [x, height - 1 - y] : [width - 1 - x, y]));
}

/** A canvas of one colour (0 to 1, by channel) with the picture at (left, top). */
function pad(picture: Picture, width: number, height: number, left: number, top: number, color: readonly number[]): Picture {
  const { batch, channels } = picture;
  const source = floatsOf(picture);
  const data = floats(batch * width * height * channels);
  for (let i = 0; i < data.length; i++) data[i] = color[i % channels] ?? 1;
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < picture.height; y++) {
      const from = (b * picture.height + y) * picture.width * channels;
      const to = ((b * height + top + y) * width + left) * channels;
      data.set(source.subarray(from, from + picture.width * channels), to);
    }
  }
  return { ...picture, width, height, data };
}

/** The mask of an outpainting: 1 around the old picture, fading into it over `feathering` pixels. */
function outpaintMask({ width, height }: Picture, edges: readonly [number, number, number, number], feathering: number): Picture {
  const [left, top, right, bottom] = edges;
  const [fullWidth, fullHeight] = [width + left + right, height + top + bottom];
  const data = floats(fullWidth * fullHeight).fill(1);
  const fades = feathering > 0 && feathering * 2 < height && feathering * 2 < width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const vertical = Math.min(top > 0 ? y : height, bottom > 0 ? height - y : height);
      const distance = Math.min(vertical, left > 0 ? x : width, right > 0 ? width - x : width);
      const share = fades && distance < feathering ? (feathering - distance) / feathering : 0;
      data[(top + y) * fullWidth + left + x] = share * share;
    }
  }
  return { kind: 'mask', batch: 1, width: fullWidth, height: fullHeight, channels: 1, data };
}

/** Two pictures beside each other. Without `match`, the smaller one is centred on black. */
function stitch(
  first: Picture,
  second: Picture,
  direction: string,
  match: boolean,
  gap: { size: number; color: readonly number[] },
): Picture {
  const across = direction === 'right' || direction === 'left';
  const other = match ? resample(second, across ? 0 : first.width, across ? first.height : 0, 'lanczos', false) : second;
  const side = across ? Math.max(first.height, other.height) : Math.max(first.width, other.width);
  const filled = (picture: Picture): Picture => {
    const [width, height] = across ? [picture.width, side] : [side, picture.height];
    const [left, top] = [Math.floor((width - picture.width) / 2), Math.floor((height - picture.height) / 2)];
    return pad(picture, width, height, left, top, [0, 0, 0, 0]);
  };
  const [a, b] = direction === 'right' || direction === 'down' ? [first, other] : [other, first];
  const one = filled(a);
  const space = gap.size + (gap.size % 2);
  const size = across ? [one.width + space + b.width, side] : [side, one.height + space + b.height];
  const canvas = pad(one, size[0] as number, size[1] as number, 0, 0, gap.color);
  const over = filled(b);
  const [left, top] = across ? [one.width + space, 0] : [0, one.height + space];
  const data = canvas.data as Float32Array;
  const source = floatsOf(over);
  for (let n = 0; n < canvas.batch; n++) {
    for (let y = 0; y < over.height; y++) {
      const from = (Math.min(n, over.batch - 1) * over.height + y) * over.width * over.channels;
      data.set(
        source.subarray(from, from + over.width * over.channels),
        ((n * canvas.height + top + y) * canvas.width + left) * canvas.channels,
      );
    }
  }
  return canvas;
}

/** A picture's batch so many times over. */
function repeat(picture: Picture, amount: number): Picture {
  const length = lengthOf(picture);
  const data = picture.data instanceof Uint8Array ? bytes(length * amount) : floats(length * amount);
  for (let i = 0; i < amount; i++) data.set(picture.data, i * length);
  return { ...picture, batch: picture.batch * amount, data };
}

/** Some pictures of a batch. */
function slice(picture: Picture, from: number, length: number): Picture {
  const first = Math.min(picture.batch - 1, from);
  const count = Math.min(picture.batch - first, length);
  const size = lengthOf(pick(picture, 0));
  return { ...picture, batch: count, data: picture.data.slice(first * size, (first + count) * size) };
}

/** Each picture of a list of batches, in batches of another size. */
function rebatch(pictures: readonly Picture[], size: number): Picture[] {
  const singles = pictures.flatMap((picture) => Array.from({ length: picture.batch }, (_, index) => pick(picture, index)));
  const result: Picture[] = [];
  for (let at = 0; at < singles.length; at += size) {
    const group = singles.slice(at, at + size);
    const [first] = group as [Picture];
    const length = lengthOf(first);
    const data = floats(length * group.length);
    for (const [index, one] of group.entries()) data.set(floatsOf(one), index * length);
    result.push({ ...first, batch: group.length, data });
  }
  return result;
}

/** The smallest (or largest) value in a square around each, which ends at the border. */
function extreme(picture: Picture, size: number, pickOf: (a: number, b: number) => number): Picture {
  const { width, height, batch, channels } = picture;
  const reach = Math.floor(size / 2);
  const pass = (source: Float32Array, across: boolean): Float32Array => {
    const target = floats(source.length);
    for (let i = 0; i < source.length; i++) {
      const pixel = Math.floor(i / channels);
      const [x, line] = [pixel % width, Math.floor(pixel / width)];
      const y = line % height;
      const [at, limit] = across ? [x, width] : [y, height];
      let value = source[i] as number;
      for (let k = Math.max(0, at - reach); k <= Math.min(limit - 1, at + reach); k++) {
        const from = (across ? line * width + k : (line - y + k) * width + x) * channels + (i % channels);
        value = pickOf(value, source[from] as number);
      }
      target[i] = value;
    }
    return target;
  };
  return { ...picture, batch, data: pass(pass(floatsOf(picture), true), false) };
}

const difference = (a: Picture, b: Picture): Picture => {
  const [one, two] = [floatsOf(a), floatsOf(b)];
  const data = floats(one.length);
  for (let i = 0; i < data.length; i++) data[i] = (one[i] as number) - (two[i] as number);
  return { ...a, data };
};

function morph(picture: Picture, operation: string, size: number): Picture {
  const erode = (of: Picture): Picture => extreme(of, size, Math.min);
  const dilate = (of: Picture): Picture => extreme(of, size, Math.max);
  if (operation === 'erode') return erode(picture);
  if (operation === 'dilate') return dilate(picture);
  if (operation === 'open') return dilate(erode(picture));
  if (operation === 'close') return erode(dilate(picture));
  if (operation === 'gradient') return difference(dilate(picture), erode(picture));
  if (operation === 'top_hat') return difference(picture, dilate(erode(picture)));
  return difference(erode(dilate(picture)), picture);
}

/** Approximate: as many even steps of each channel as the palette has room for. */
function quantize(picture: Picture, colors: number): Picture {
  const steps = Math.max(2, Math.floor(Math.cbrt(colors)));
  const source = bytesOf(picture);
  const data = bytes(source.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.round((Math.round(((source[i] as number) / 255) * (steps - 1)) / (steps - 1)) * 255);
  return { ...picture, data };
}

/** Approximate: where brightness changes by more than the lower threshold, white. */
function edges(picture: Picture, threshold: number): Picture {
  const { width, height, batch, channels } = picture;
  const source = floatsOf(picture);
  const data = floats(batch * width * height * 3);
  const light = (b: number, x: number, y: number): number => {
    const [column, row] = [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))];
    const at = ((b * height + row) * width + column) * channels;
    return 0.299 * (source[at] as number) + 0.587 * (source[at + 1] ?? 0) + 0.114 * (source[at + 2] ?? 0);
  };
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [dx, dy] = [light(b, x + 1, y) - light(b, x - 1, y), light(b, x, y + 1) - light(b, x, y - 1)];
        const at = ((b * height + y) * width + x) * 3;
        data.fill(Math.hypot(dx, dy) > threshold ? 1 : 0, at, at + 3);
      }
    }
  }
  return { ...picture, channels: 3, data };
}

/** Approximate: noise of the same strength from another generator. */
function addNoise(picture: Picture, seed: number, strength: number): Picture {
  const random = seededStream(seed);
  const source = floatsOf(picture);
  const data = floats(source.length);
  for (let i = 0; i < data.length; i++) {
    const noise = random() + random() + random() + random() - 2;
    data[i] = Math.min(1, Math.max(0, (source[i] as number) + strength * noise * Math.sqrt(3)));
  }
  return { ...picture, data };
}

export const editOperations = {
  rotate,
  flip,
  pad,
  outpaintMask,
  stitch,
  repeat,
  slice,
  rebatch,
  morph,
  quantize,
  edges,
  addNoise,
};
