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

/** The first picture of a batch as JPEG. */
export async function encodeJpeg(picture: Picture, quality: number): Promise<Buffer> {
  const sharp = await codec();
  const raw = { width: picture.width, height: picture.height, channels: picture.channels as 1 | 3 | 4 };
  return sharp(Buffer.from(picture.data as Uint8Array), { raw })
    .jpeg({ quality })
    .toBuffer();
}
