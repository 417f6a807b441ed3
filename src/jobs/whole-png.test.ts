import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { wholePng } from './whole-png.ts';

const png = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#345' } })
  .png()
  .toBuffer();

/** The file in pieces of some length, through the check. */
const checked = (file: Buffer, piece: number): Promise<Buffer> =>
  buffer(
    wholePng(Readable.from(Array.from({ length: Math.ceil(file.length / piece) }, (_, n) => file.subarray(n * piece, (n + 1) * piece)))),
  );

test('whole pictures pass as they are, in whatever pieces they come', async () => {
  const sizes = fc.integer({ min: 1, max: png.length });
  await fc.assert(fc.asyncProperty(sizes, async (piece) => (await checked(png, piece)).equals(png)));
  const longer = Buffer.concat([png, Buffer.from('what some nodes append')]);
  expect((await checked(longer, 7)).equals(longer)).toBe(true);
});

test('pictures that were cut short fail, wherever it was', async () => {
  // The last chunk has a length and a type; its checksum adds nothing.
  const cut = fc.integer({ min: 1, max: png.length - 5 });
  await fc.assert(
    fc.asyncProperty(cut, fc.integer({ min: 1, max: 64 }), async (length, piece) => {
      await expect(checked(png.subarray(0, length), piece)).rejects.toMatchObject({ code: 'container_lost' });
    }),
  );
});

test('what is no PNG passes, and a broken stream fails as itself', async () => {
  expect((await checked(Buffer.from('plain text, not a picture'), 5)).toString()).toBe('plain text, not a picture');
  expect((await checked(Buffer.from('short'), 5)).toString()).toBe('short');
  const broken = Readable.from(
    (async function* () {
      yield png.subarray(0, 20);
      throw new Error('the connection broke');
    })(),
  );
  await expect(buffer(wholePng(broken))).rejects.toThrow('the connection broke');
});
