import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { encodePng, readTextChunks } from '../png.ts';
import { operations } from './operations.ts';
import { bytesOf, floatsOf } from './picture.ts';
import type { Picture } from './picture.ts';
import { PixelPool } from './pool.ts';

const image = (width: number, height: number, data: number[], channels = 3): Picture => ({
  kind: 'image',
  batch: 1,
  width,
  height,
  channels,
  data: Uint8Array.from(data),
});
const gray = (width: number, height: number, values: number[]): Picture =>
  image(
    width,
    height,
    values.flatMap((value) => [value, value, value]),
  );
const mask = (width: number, height: number, values: number[]): Picture => ({
  kind: 'mask',
  batch: 1,
  width,
  height,
  channels: 1,
  data: Float32Array.from(values),
});
const reds = (picture: Picture): number[] => [...bytesOf(picture)].filter((_, i) => i % picture.channels === 0);
const size = { width: 96, height: 64, batch: 1 };
const drawing = { prompt: 'a regal phoenix', seed: 1, size, base: null, mask: null, strength: 1 };

describe('pixels are those of 32-bit floats, cut off', () => {
  test('inverting gives what a real server saved for each of the 256 values', () => {
    const all = Array.from({ length: 256 }, (_, value) => value);
    const inverted = reds(operations.invert(gray(256, 1, all)));
    expect(inverted[65]).toBe(189);
    expect(inverted).toEqual(all.map((value) => Math.trunc(Math.fround(255 * Math.fround(1 - Math.fround(value / 255))))));
    expect(inverted.filter((value, i) => value !== 255 - i)).toHaveLength(159);
  });
  test('a colour is red, green, blue', () => {
    expect([...bytesOf(operations.solidImage({ width: 1, height: 1, batch: 1 }, 0x0a141e))]).toEqual([10, 20, 30]);
  });
});

describe('operations', () => {
  const ramp = gray(4, 1, [0, 80, 160, 240]);
  test.each([
    ['nearest-exact', 2, [80, 240]],
    ['bilinear', 2, [40, 200]],
    ['area', 2, [40, 200]],
    ['nearest-exact', 8, [0, 0, 80, 80, 160, 160, 240, 240]],
    ['bilinear', 8, [0, 20, 60, 100, 140, 180, 220, 240]],
  ] as const)('scaling by %s to %d', (method, width, wanted) => {
    const got = reds(operations.resample(ramp, width, 1, method, false));
    for (const [i, value] of wanted.entries()) expect(Math.abs((got[i] as number) - value)).toBeLessThanOrEqual(1);
  });
  test('every method keeps an even colour', () => {
    const method = fc.constantFrom('nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos' as const);
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(method, side, side, side, side, fc.boolean(), (method, w, h, newW, newH, cut) => {
        const scaled = operations.resample(operations.solidImage({ width: w, height: h, batch: 1 }, 0x808080), newW, newH, method, cut);
        expect([scaled.width, scaled.height]).toEqual([newW, newH]);
        for (const value of floatsOf(scaled)) expect(value).toBeCloseTo(128 / 255, 4);
      }),
    );
  });
  test('a width of 0 keeps the ratio', () => {
    expect(operations.resample(ramp, 0, 2, 'bilinear', false)).toMatchObject({ width: 8, height: 2 });
  });
  test('cropping cuts where the picture ends', () => {
    expect(reds(operations.crop(ramp, 2, 0, 9, 9))).toEqual([160, 240]);
  });
  test('compositing under a mask, beyond the border', () => {
    const under = gray(3, 1, [0, 0, 0]);
    const over = gray(3, 1, [200, 200, 200]);
    const got = operations.composite(under, over, mask(3, 1, [1, 0.5, 0]), { x: 1, y: 0, resize: false });
    expect(reds(got)).toEqual([0, 200, 100]);
  });
  test('blending', () => {
    const [a, b] = [gray(1, 1, [51]), gray(1, 1, [102])];
    const by = (mode: 'normal' | 'multiply' | 'screen' | 'difference'): number => floatsOf(operations.blend(a, b, 1, mode))[0] as number;
    expect(by('normal')).toBeCloseTo(0.4);
    expect(by('multiply')).toBeCloseTo(0.08);
    expect(by('screen')).toBeCloseTo(0.52);
    expect(by('difference')).toBe(0);
  });
  test('joining scales the second to the first', () => {
    expect(operations.join(ramp, gray(2, 2, [9, 9, 9, 9]))).toMatchObject({ batch: 2, width: 4, height: 1 });
  });
  test('blurring spreads a dot and keeps its sum', () => {
    const blurred = floatsOf(
      operations.blur(
        gray(
          5,
          5,
          Array.from({ length: 25 }, (_, i) => (i === 12 ? 255 : 0)),
        ),
        1,
        1,
      ),
    );
    expect(blurred[12 * 3]).toBeLessThan(0.5);
    expect(blurred.reduce((sum, value) => sum + value, 0) / 3).toBeCloseTo(1, 4);
  });
  test('feathering fades the edges', () => {
    const faded = floatsOf(operations.feather(mask(4, 1, [1, 1, 1, 1]), 2, 0, 0, 0));
    expect([...faded]).toEqual([0.5, 1, 1, 1]);
  });
  test('a file without alpha has an empty 64 x 64 mask, one with alpha its inverse', () => {
    expect(operations.split(image(1, 1, [1, 2, 3]))[1]).toMatchObject({ width: 64, height: 64 });
    expect(floatsOf(operations.split(image(1, 1, [1, 2, 3, 51], 4))[1])[0]).toBeCloseTo(0.8);
    expect([...bytesOf(operations.split(image(1, 1, [7], 1))[0])]).toEqual([7, 7, 7]);
  });
});

describe('drawing', () => {
  test('depends on prompt and seed alone', () => {
    expect(operations.draw(drawing)).toEqual(operations.draw(drawing));
    expect(operations.draw({ ...drawing, seed: 2 })).not.toEqual(operations.draw(drawing));
    expect(operations.draw({ ...drawing, prompt: 'a cat' })).not.toEqual(operations.draw(drawing));
  });
  test('each picture of a batch is another one: that of the next seed', () => {
    const both = operations.draw({ ...drawing, size: { ...size, batch: 2 } });
    expect(both.data.subarray(both.data.length / 2)).toEqual(operations.draw({ ...drawing, seed: 2 }).data);
  });
  test('stays within the mask and fades with the strength', () => {
    const base = operations.solidImage(size, 0x336699);
    const half = mask(2, 1, [0, 1]);
    const masked = operations.draw({ ...drawing, base, mask: operations.resample(half, 96, 64, 'nearest-exact', false) });
    const left = operations.crop(masked, 0, 0, 48, 64);
    const right = operations.crop(masked, 48, 0, 48, 64);
    expect(left.data).toEqual(operations.crop(base, 0, 0, 48, 64).data);
    expect(right.data).toEqual(operations.crop(operations.draw(drawing), 48, 0, 48, 64).data);
    expect(operations.draw({ ...drawing, base, strength: 0 }).data).toEqual(base.data);
  });
  test('a decoded picture says that it is emulated, where there is room', () => {
    const plain = operations.solidImage(size, 0x808080);
    const labelled = operations.label(plain, 'a cat');
    expect(labelled.data).not.toEqual(plain.data);
    expect(operations.label(plain, 'a dog').data).not.toEqual(labelled.data);
    const tiny = operations.solidImage({ width: 16, height: 16, batch: 1 }, 0x808080);
    expect(operations.label(tiny, 'a cat').data).toEqual(tiny.data);
  });
});

describe('PNG files', () => {
  test('decode to the same pixels, whatever they are', async () => {
    const bitmap = fc
      .record({
        width: fc.integer({ min: 1, max: 90 }),
        height: fc.integer({ min: 1, max: 90 }),
        channels: fc.constantFrom(3, 4),
        noise: fc.nat(2),
      })
      .map(({ noise, ...shape }) => ({
        ...shape,
        data: Uint8Array.from({ length: shape.width * shape.height * shape.channels }, (_, i) =>
          noise === 0 ? 77 + (i % shape.channels) : (i * 31 * noise) % 256,
        ),
      }));
    await fc.assert(
      fc.asyncProperty(bitmap, async ({ width, height, channels, data }) => {
        const file = encodePng({ width, height, channels, data }, []);
        expect([...file.subarray(24, 26)], 'bits and colour type').toEqual([8, channels === 3 ? 2 : 6]);
        const decoded = await sharp(file).raw().toBuffer({ resolveWithObject: true });
        expect(decoded.info).toMatchObject({ width, height, channels });
        expect(decoded.data.equals(data)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
  test('carry their text', () => {
    const chunks = [
      { key: 'prompt', text: '{"1": {}}' },
      { key: 'comfleet', text: 'emulated container, profile x' },
    ];
    expect(readTextChunks(encodePng({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) }, chunks))).toEqual(chunks);
    expect(readTextChunks(Buffer.from('no picture'))).toEqual([]);
  });
});

describe('the pool', () => {
  const pool = new PixelPool({ threads: 2 });
  afterAll(() => pool.close());

  test('gives the same from a worker as in place', async () => {
    const large = { ...drawing, size: { width: 200, height: 100, batch: 1 } };
    const drawn = pool.run('draw', large);
    expect(drawn).toBeInstanceOf(Promise);
    expect(await drawn).toEqual(operations.draw(large));
    expect(pool.run('draw', { ...drawing, size: { width: 64, height: 64, batch: 1 } })).not.toBeInstanceOf(Promise);
  });
  test('passes on what goes wrong, and goes on', async () => {
    const size = { width: 200, height: 200, batch: 1 };
    const broken = { kind: 'image', ...size, channels: 3, data: null } as unknown as Picture;
    await expect(pool.run('invert', broken)).rejects.toThrow(TypeError);
    expect(await pool.run('solidImage', size, 0)).toMatchObject(size);
  });
  test('runs more than it has workers', async () => {
    const size = { width: 100, height: 100, batch: 1 };
    const all = await Promise.all(Array.from({ length: 10 }, async (_, color) => pool.run('solidImage', size, color)));
    expect(all.map((picture) => picture.data[2])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
  test('rejects what waits when it closes', async () => {
    const closing = new PixelPool({ threads: 1 });
    const waits = closing.run('draw', { ...drawing, size: { width: 500, height: 500, batch: 1 } });
    const rejected = expect(waits).rejects.toThrow('closed');
    await closing.close();
    await rejected;
  });
});
