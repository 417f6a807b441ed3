import { bytesOf, pick } from './picture.ts';
import type { Picture } from './picture.ts';
import type Sharp from 'sharp';

export type Codec = typeof Sharp;
let loaded: Promise<Codec> | null = null;

/** sharp, loaded when first needed, with one thread for each picture and no cache: many containers share the process. */
export async function codec(): Promise<Codec> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loaded;
}

/** Decodes any picture file, turned upright. Throws sharp's error when it is none. */
export async function decodePicture(file: Uint8Array): Promise<Picture> {
  const sharp = await codec();
  const { data, info } = await sharp(file).rotate().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { kind: 'image', batch: 1, width: info.width, height: info.height, channels: info.channels, data };
}

/** The first picture of a batch as JPEG; with `side`, made as large as fits into that square. */
export async function encodeJpeg(picture: Picture, quality: number, side?: number): Promise<Buffer> {
  const sharp = await codec();
  const raw = { width: picture.width, height: picture.height, channels: picture.channels as 1 | 3 | 4 };
  const encoder = sharp(Buffer.from(bytesOf(pick(picture, 0))), { raw });
  const sized = side === undefined ? encoder : encoder.resize(side, side, { fit: 'inside' });
  return sized.jpeg({ quality }).toBuffer();
}

/** A batch as one animated WebP; `frames` are its pictures below each other, as bytes of three channels. */
export async function encodeAnimatedWebp(
  frames: Uint8Array,
  { width, height, batch }: Picture,
  options: { readonly lossless: boolean; readonly quality: number; readonly delay: number },
): Promise<Buffer> {
  const sharp = await codec();
  const raw = { width, height: height * batch, channels: 3 as const, pageHeight: height };
  const delay = Array.from({ length: batch }, () => options.delay);
  return sharp(Buffer.from(frames), { raw }).webp({ lossless: options.lossless, quality: options.quality, delay, loop: 0 }).toBuffer();
}
