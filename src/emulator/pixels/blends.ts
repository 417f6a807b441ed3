import { bytesOf, floats, floatsOf, lengthOf } from './picture.ts';
import type { Picture } from './picture.ts';
import { resample } from './resample.ts';

/** Pixel work on masks and colours. */

const like = (picture: Picture, channels: number): Float32Array => floats((lengthOf(picture) / picture.channels) * channels);

/** 1 where a picture has exactly this colour. */
function colorToMask(image: Picture, color: number): Picture {
  const source = floatsOf(image);
  const data = like(image, 1);
  const byte = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 255);
  for (let i = 0; i < data.length; i++) {
    const [red, green, blue] = [0, 1, 2].map((c) => byte(source[i * image.channels + c] as number)) as [number, number, number];
    data[i] = red * 65_536 + green * 256 + blue === color ? 1 : 0;
  }
  return { ...image, kind: 'mask', channels: 1, data };
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

const maskRules = {
  multiply: (a: number, b: number): number => a * b,
  add: (a: number, b: number): number => a + b,
  subtract: (a: number, b: number): number => a - b,
  and: (a: number, b: number): number => Math.round(a) & Math.round(b),
  or: (a: number, b: number): number => Math.round(a) | Math.round(b),
  xor: (a: number, b: number): number => Math.round(a) ^ Math.round(b),
};
export type MaskRule = keyof typeof maskRules;

function combineMasks(under: Picture, over: Picture, x: number, y: number, rule: MaskRule): Picture {
  const data = floats(lengthOf(under));
  data.set(floatsOf(under));
  const source = floatsOf(over);
  const [columns, rows] = [Math.min(over.width, under.width - x), Math.min(over.height, under.height - y)];
  for (let b = 0; b < under.batch; b++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const to = (b * under.height + y + row) * under.width + x + column;
        const from = ((b % over.batch) * over.height + row) * over.width + column;
        data[to] = clamp(maskRules[rule](data[to] as number, source[from] as number));
      }
    }
  }
  return { ...under, data };
}

/** A mask grown (or, below 0, shrunk) pixel by pixel; with `tapered`, corners only by their sides. */
function growMask(mask: Picture, by: number, tapered: boolean): Picture {
  const { width, height, batch } = mask;
  const choose = by > 0 ? Math.max : Math.min;
  const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx): [number, number] => [dx, dy]));
  const near = around.filter(([dx, dy]) => !tapered || dx === 0 || dy === 0);
  let data = floatsOf(mask);
  for (let step = 0; step < Math.min(Math.abs(by), Math.max(width, height)); step++) {
    const next = floats(data.length);
    for (let i = 0; i < data.length; i++) {
      const [x, line] = [i % width, Math.floor(i / width)];
      const y = line % height;
      let value = data[i] as number;
      for (const [dx, dy] of near) {
        const isInside = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
        if (isInside) value = choose(value, data[i + dy * width + dx] as number);
      }
      next[i] = value;
    }
    data = next;
  }
  return { ...mask, batch, data };
}

function threshold(mask: Picture, above: number): Picture {
  const data = floatsOf(mask).map((value) => (value > above ? 1 : 0));
  return { ...mask, data };
}

/** `[colours, 1 - alpha]` of a picture with or without alpha. */
function splitAlpha(image: Picture): [Picture, Picture] {
  const source = floatsOf(image);
  const [colors, alpha] = [like(image, 3), like(image, 1)];
  for (let i = 0; i < alpha.length; i++) {
    for (let c = 0; c < 3; c++) colors[i * 3 + c] = source[i * image.channels + c] as number;
    alpha[i] = image.channels > 3 ? 1 - (source[i * image.channels + 3] as number) : 0;
  }
  return [
    { ...image, channels: 3, data: colors },
    { ...image, kind: 'mask', channels: 1, data: alpha },
  ];
}

/** A picture of four channels: the mask is what does not show. */
function joinAlpha(image: Picture, mask: Picture): Picture {
  const source = floatsOf(image);
  const shade = floatsOf(resample(mask, image.width, image.height, 'bilinear', false));
  const data = like(image, 4);
  for (let i = 0; i < data.length / 4; i++) {
    for (let c = 0; c < 3; c++) data[i * 4 + c] = source[i * image.channels + c] as number;
    data[i * 4 + 3] = 1 - (shade[i % shade.length] as number);
  }
  return { ...image, channels: 4, data };
}

function toYuv(image: Picture): [Picture, Picture, Picture] {
  const source = floatsOf(image);
  const planes = [like(image, 3), like(image, 3), like(image, 3)] as const;
  for (let i = 0; i < source.length / image.channels; i++) {
    const [r, g, b] = [0, 1, 2].map((c) => source[i * image.channels + c] as number) as [number, number, number];
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    for (const [at, value] of [y, (b - y) * 0.564 + 0.5, (r - y) * 0.713 + 0.5].entries()) planes[at]?.fill(value, i * 3, i * 3 + 3);
  }
  return planes.map((data): Picture => ({ ...image, channels: 3, data })) as [Picture, Picture, Picture];
}

function fromYuv(luma: Picture, u: Picture, v: Picture): Picture {
  const mean = (plane: Picture): ((i: number) => number) => {
    const data = floatsOf(plane);
    const { channels } = plane;
    return (i) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += data[(i * channels + c) % data.length] as number;
      return sum / channels;
    };
  };
  const [lightAt, blueAt, redAt] = [mean(luma), mean(u), mean(v)];
  const data = like(luma, 3);
  for (let i = 0; i < data.length / 3; i++) {
    const [y, cb, cr] = [lightAt(i), blueAt(i) - 0.5, redAt(i) - 0.5];
    data.set([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], i * 3);
  }
  return { ...luma, channels: 3, data };
}

type Mix = (s: number, sa: number, d: number, da: number) => readonly [color: number, alpha: number];
const over = (sa: number, da: number): number => sa + da - sa * da;

const destinationOnly: Mix = (_s, _sa, d, da) => [d, da];

/** Porter-Duff rules: what becomes of a source and a destination with their alphas. */
const duff: Readonly<Record<string, Mix>> = {
  ADD: (s, sa, d, da) => [clamp(s + d), clamp(sa + da)],
  CLEAR: () => [0, 0],
  DARKEN: (s, sa, d, da) => [(1 - da) * s + (1 - sa) * d + Math.min(s, d), over(sa, da)],
  DST: destinationOnly,
  DST_ATOP: (s, sa, d, da) => [sa * d + (1 - da) * s, sa],
  DST_IN: (_s, sa, d, da) => [d * sa, sa * da],
  DST_OUT: (_s, sa, d, da) => [(1 - sa) * d, (1 - sa) * da],
  DST_OVER: (s, sa, d, da) => [d + (1 - da) * s, da + (1 - da) * sa],
  LIGHTEN: (s, sa, d, da) => [(1 - da) * s + (1 - sa) * d + Math.max(s, d), over(sa, da)],
  MULTIPLY: (s, sa, d, da) => [s * d, sa * da],
  OVERLAY: (s, sa, d, da) => [2 * d < da ? 2 * s * d : sa * da - 2 * (da - s) * (sa - d), over(sa, da)],
  SCREEN: (s, sa, d, da) => [s + d - s * d, over(sa, da)],
  SRC: (s, sa) => [s, sa],
  SRC_ATOP: (s, sa, d, da) => [da * s + (1 - sa) * d, da],
  SRC_IN: (s, sa, _d, da) => [s * da, sa * da],
  SRC_OUT: (s, sa, _d, da) => [(1 - da) * s, (1 - da) * sa],
  SRC_OVER: (s, sa, d, da) => [s + (1 - sa) * d, sa + (1 - sa) * da],
  XOR: (s, sa, d, da) => [(1 - da) * s + (1 - sa) * d, (1 - da) * sa + (1 - sa) * da],
};

interface Layer {
  readonly image: Picture;
  /** What does not show. */
  readonly mask: Picture;
}

function porterDuff(source: Layer, destination: Layer, mode: string): [Picture, Picture] {
  const { image } = destination;
  const { width, height } = image;
  const fitted = (picture: Picture): Float32Array => floatsOf(resample(picture, width, height, 'bicubic', true));
  const [s, sMask, d, dMask] = [fitted(source.image), fitted(source.mask), floatsOf(image), fitted(destination.mask)];
  const mix = duff[mode] ?? destinationOnly;
  const [colors, alphas] = [like(image, 3), like(image, 1)];
  for (let i = 0; i < alphas.length; i++) {
    const [sa, da] = [1 - (sMask[i % sMask.length] as number), 1 - (dMask[i % dMask.length] as number)];
    for (let c = 0; c < 3; c++) {
      const [from, to] = [s[(i * source.image.channels + c) % s.length] as number, d[i * image.channels + c] as number];
      const [color, alpha] = mix(from * sa, sa, to * da, da);
      colors[i * 3 + c] = clamp(alpha > 1e-5 ? color / alpha : 0);
      alphas[i] = 1 - clamp(alpha);
    }
  }
  return [
    { ...image, channels: 3, data: colors },
    { ...image, kind: 'mask', channels: 1, data: alphas },
  ];
}

/** All frames of a batch below each other, as bytes of three channels. */
function frames(image: Picture): Uint8Array {
  if (image.channels === 3) return bytesOf(image);
  return bytesOf(splitAlpha(image)[0]);
}

export const blendOperations = {
  colorToMask,
  combineMasks,
  growMask,
  threshold,
  splitAlpha,
  joinAlpha,
  toYuv,
  fromYuv,
  porterDuff,
  frames,
};
