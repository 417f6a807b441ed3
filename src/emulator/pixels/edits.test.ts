import { describe, expect, test } from 'vitest';
import { operations } from './operations.ts';
import type { Picture } from './picture.ts';
import { effort } from './effort.ts';

/** A picture of one channel's values, the same in all three. */
function gray(rows: readonly (readonly number[])[], channels = 3): Picture {
  const data = Float32Array.from(rows.flat().flatMap((value) => Array.from({ length: channels }, () => value)));
  return { kind: channels === 1 ? 'mask' : 'image', batch: 1, height: rows.length, width: rows[0]!.length, channels, data };
}

/** The first channel, row by row. */
function rowsOf({ width, height, channels, data }: Picture): number[][] {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => data[(y * width + x) * channels]!));
}

const picture = gray([
  [1, 2, 3],
  [4, 5, 6],
]);

describe('moving pixels', () => {
  test('turns clockwise', () => {
    expect(rowsOf(operations.rotate(picture, 1))).toEqual([
      [4, 1],
      [5, 2],
      [6, 3],
    ]);
    expect(rowsOf(operations.rotate(operations.rotate(picture, 1), 3))).toEqual(rowsOf(picture));
    expect(rowsOf(operations.rotate(picture, 2))).toEqual(rowsOf(operations.flip(operations.flip(picture, true), false)));
  });

  test('mirrors', () => {
    expect(rowsOf(operations.flip(picture, true))[0]).toEqual([4, 5, 6]);
    expect(rowsOf(operations.flip(picture, false))[0]).toEqual([3, 2, 1]);
  });

  test('lays on a canvas', () => {
    expect(rowsOf(operations.pad(picture, 5, 3, 1, 1, [0.5, 0.5, 0.5]))).toEqual([
      [0.5, 0.5, 0.5, 0.5, 0.5],
      [0.5, 1, 2, 3, 0.5],
      [0.5, 4, 5, 6, 0.5],
    ]);
  });

  test('stitches side by side, the smaller one in the middle', () => {
    const tall = gray([[9], [9], [9], [9]]);
    const gap = { size: 1, color: [7, 7, 7] };
    expect(rowsOf(operations.stitch(picture, tall, 'right', false, gap))).toEqual([
      [0, 0, 0, 7, 7, 9],
      [1, 2, 3, 7, 7, 9],
      [4, 5, 6, 7, 7, 9],
      [0, 0, 0, 7, 7, 9],
    ]);
    expect(operations.stitch(picture, tall, 'up', true, gap)).toMatchObject({ width: 3, height: 2 + 2 + 12 });
  });

  test('repeats, cuts and regroups batches', () => {
    const three = operations.repeat(picture, 3);
    expect(three).toMatchObject({ batch: 3 });
    expect(operations.slice(three, 2, 9)).toMatchObject({ batch: 1 });
    expect(operations.rebatch([three, three], 4).map(({ batch }) => batch)).toEqual([4, 2]);
  });

  test('the mask of an outpainting fades into the picture on the sides that grow', () => {
    const mask = operations.outpaintMask(gray(Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => 1))), [1, 0, 0, 0], 2);
    expect(rowsOf(mask)[3]!.slice(0, 4)).toEqual([1, 1, 0.25, 0]);
  });
});

describe('masks and colours', () => {
  const dot = gray(
    [
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ],
    1,
  );

  test('grows by sides, or by corners too, and shrinks', () => {
    const plus = operations.growMask(dot, 1, true);
    expect(rowsOf(plus)).toEqual([
      [0, 1, 0],
      [1, 1, 1],
      [0, 1, 0],
    ]);
    expect(rowsOf(operations.growMask(dot, 1, false)).flat()).not.toContain(0);
    expect(rowsOf(operations.growMask(plus, -1, true))).toEqual(rowsOf(dot));
    expect(rowsOf(operations.morph(dot, 'dilate', 3)).flat()).not.toContain(0);
    expect(rowsOf(operations.morph(dot, 'open', 3)).flat()).not.toContain(1);
  });

  test('combines within the borders', () => {
    expect(rowsOf(operations.combineMasks(dot, dot, 1, 1, 'add')).flat()).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(rowsOf(operations.combineMasks(dot, dot, 0, 0, 'subtract')).flat()).not.toContain(1);
    expect(rowsOf(operations.threshold(dot, 0.5))).toEqual(rowsOf(dot));
  });

  test('finds a colour', () => {
    const size = { width: 2, height: 1, batch: 1 };
    const mask = operations.colorToMask(operations.solidImage(size, 0x336699), 0x336699);
    expect(rowsOf(mask)).toEqual([[1, 1]]);
    expect(rowsOf(operations.colorToMask(operations.solidImage(size, 0x33669a), 0x336699))).toEqual([[0, 0]]);
  });

  test('takes alpha away and gives it back', () => {
    const joined = operations.joinAlpha(gray([[0.5, 0.25]]), gray([[0, 1]], 1));
    expect([...joined.data]).toEqual([0.5, 0.5, 0.5, 1, 0.25, 0.25, 0.25, 0]);
    const [colors, mask] = operations.splitAlpha(joined);
    expect([rowsOf(colors), rowsOf(mask)]).toEqual([[[0.5, 0.25]], [[0, 1]]]);
  });

  test('brightness and colour differences, there and back', () => {
    const size = { width: 1, height: 1, batch: 1 };
    const back = operations.fromYuv(...operations.toYuv(operations.solidImage(size, 0x336699)));
    for (const [c, value] of [0x33, 0x66, 0x99].entries()) expect(Math.abs(back.data[c]! * 255 - value)).toBeLessThan(1);
  });

  test('a source over a destination hides it where it is opaque', () => {
    const [source, destination] = [gray([[1, 1]]), gray([[0, 0]])];
    const [image] = operations.porterDuff(
      { image: source, mask: gray([[0, 1]], 1) },
      { image: destination, mask: gray([[0, 0]], 1) },
      'SRC_OVER',
    );
    expect(rowsOf(image)).toEqual([[1, 0]]);
  });
});

test('what makes a large picture out of a small one is much work', () => {
  expect(effort('pad', [picture, 4_000, 4_000, 0, 0, []])).toBe(16_000_000);
  expect(effort('repeat', [picture, 4_096])).toBe(6 * 4_096);
  expect(effort('invert', [picture])).toBe(6);
});
