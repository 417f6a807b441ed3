import { hashText, seededStream } from '../seeded.ts';
import { advance, eachDot, lineHeight } from './font.ts';
import { bytes, bytesOf, floatsOf } from './picture.ts';
import type { Picture, Size } from './picture.ts';
import { resample } from './resample.ts';

export interface Drawing {
  readonly prompt: string;
  readonly seed: number;
  readonly size: Size;
  /** What the drawing is laid over; null: an empty canvas. */
  readonly base: Picture | null;
  /** Where it is laid; null: everywhere. */
  readonly mask: Picture | null;
  /** 0 leaves the base as it is, 1 replaces it. */
  readonly strength: number;
}

/** Sines by table: the argument counts turns. */
const steps = 2048;
const sines = Float32Array.from({ length: steps }, (_, i) => Math.sin((2 * Math.PI * i) / steps));
const sine = (turns: number): number => sines[(turns * steps) & (steps - 1)] as number;

interface Orb {
  readonly x: number;
  readonly y: number;
  readonly sharpness: number;
  readonly color: readonly [number, number, number];
}

/** A hue in turns as a bright colour, 0 to 1. */
const hueColor = (hue: number): [number, number, number] => [
  0.55 + 0.45 * sine(hue),
  0.55 + 0.45 * sine(hue + 1 / 3),
  0.55 + 0.45 * sine(hue + 2 / 3),
];

/** One glowing orb for each of the first words, at a place and in a hue of its own. */
function orbsOf(prompt: string, random: () => number): Orb[] {
  return prompt
    .split(/\W+/)
    .filter((word) => word.length > 2)
    .slice(0, 5)
    .map((word) => ({
      x: 0.1 + 0.8 * random(),
      y: 0.1 + 0.8 * random(),
      sharpness: 25 + 120 * random(),
      color: hueColor(hashText(word) / 2 ** 32),
    }));
}

/** Smooth, colourful waves with orbs: a picture that depends on prompt and seed alone. */
function paint(target: Uint8Array, width: number, height: number, prompt: string, seed: number): void {
  const random = seededStream(hashText(`${prompt}\n${seed}`));
  const orbs = orbsOf(prompt, random);
  const [hue, spread] = [random(), 0.12 + 0.22 * random()];
  const [a, b, c, d] = [0.4 + random(), 0.4 + random(), 0.3 + 0.9 * random(), 0.3 + 0.9 * random()];
  const [p, q, r] = [random(), random(), random()];
  const bend = 0.15 + 0.3 * random();
  const scale = 1 / Math.max(width, height);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const v = y * scale;
    const rowBend = bend * sine(c * v + p);
    for (let x = 0; x < width; x++) {
      const u = x * scale;
      const warp = bend * sine(d * u + q + rowBend);
      const wave = sine(a * u + rowBend + r) + sine(b * (v + warp) + p) + 0.7 * sine(c * (u + v) + warp + q);
      const light = 0.52 + 0.3 * sine(0.5 * wave + 0.8 * v + r);
      const turn = hue + spread * wave;
      let red = light * (0.62 + 0.38 * sine(turn));
      let green = light * (0.62 + 0.38 * sine(turn + 1 / 3));
      let blue = light * (0.62 + 0.38 * sine(turn + 2 / 3));
      for (const orb of orbs) {
        const [dx, dy] = [u - orb.x, v - orb.y];
        const glow = 1 / (1 + orb.sharpness * (dx * dx + dy * dy));
        const share = glow * glow * glow;
        red += share * (orb.color[0] - red);
        green += share * (orb.color[1] - green);
        blue += share * (orb.color[2] - blue);
      }
      target[at++] = 255 * red;
      target[at++] = 255 * green;
      target[at++] = 255 * blue;
    }
  }
}

/** What a sampler makes: the drawing of prompt and seed, laid over the base with strength and mask. */
export function draw({ prompt, seed, size, base, mask, strength }: Drawing): Picture {
  const { width, height, batch } = size;
  const length = width * height * 3;
  const data = bytes(batch * length);
  for (let index = 0; index < batch; index++) {
    paint(data.subarray(index * length, (index + 1) * length), width, height, prompt, seed + index);
  }
  const picture: Picture = { kind: 'image', width, height, batch, channels: 3, data };
  if (base === null || (strength >= 1 && mask === null)) return picture;
  const under = bytesOf(resample(base, width, height, 'bilinear', false));
  const shade = mask === null ? null : floatsOf(resample(mask, width, height, 'bilinear', false));
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    const share = strength * (shade === null ? 1 : (shade[pixel % shade.length] as number));
    const below = under[i % under.length] as number;
    data[i] = below + share * ((data[i] as number) - below);
  }
  return picture;
}

/** Writes text in white on a darkened strip that begins at (left, top). */
function strip(data: Uint8Array, width: number, height: number, text: string, place: { left: number; top: number; dot: number }): void {
  const { left, top, dot } = place;
  const right = Math.min(width, left + (text.length * advance + 3) * dot);
  const bottom = Math.min(height, top + (lineHeight + 4) * dot);
  for (let y = top; y < bottom; y++) {
    for (let i = (y * width + left) * 3; i < (y * width + right) * 3; i++) data[i] = (data[i] as number) * 0.35;
  }
  eachDot(text, (x, y) => {
    for (let dy = 0; dy < dot; dy++) {
      for (let dx = 0; dx < dot; dx++) {
        const [px, py] = [left + (x + 2) * dot + dx, top + (y + 2) * dot + dy];
        if (px < width && py < height) data.fill(245, (py * width + px) * 3, (py * width + px) * 3 + 3);
      }
    }
  });
}

const mark = 'EMULATED';

/** A copy that says EMULATED in its upper corner and begins to tell its prompt at the bottom, where there is room for that. */
export function label(picture: Picture, prompt: string): Picture {
  const { width, height, batch, channels } = picture;
  const source = bytesOf(picture);
  const data = bytes(source.length);
  data.set(source);
  const dot = Math.max(1, Math.floor(Math.min(width, height) / 256));
  const letters = Math.floor((width / dot - 3) / advance);
  if (channels === 3 && letters >= mark.length && height >= 3 * lineHeight * dot) {
    const line = prompt.replaceAll(/\s+/g, ' ').trim();
    const shown = line.length > letters ? `${line.slice(0, letters - 3)}...` : line;
    for (let index = 0; index < batch; index++) {
      const one = data.subarray(index * width * height * 3, (index + 1) * width * height * 3);
      strip(one, width, height, mark, { left: 0, top: 0, dot });
      if (shown !== '') strip(one, width, height, shown, { left: 0, top: height - (lineHeight + 4) * dot, dot });
    }
  }
  return { ...picture, data };
}
