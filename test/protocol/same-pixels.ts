import sharp from 'sharp';
import { expect } from 'vitest';
import type { Replay } from './replay.ts';

/** Decoded pixels are the same; encoders differ. */
export async function samePixels({ files }: Replay): Promise<void> {
  for (const { request, golden, actual } of files) {
    if (!golden.subarray(1, 4).equals(Buffer.from('PNG')) || request.includes('Range')) continue;
    const [wanted, given] = await Promise.all([golden, actual].map((file) => sharp(file).raw().toBuffer({ resolveWithObject: true })));
    expect(given!.info, request).toMatchObject({ width: wanted!.info.width, height: wanted!.info.height, channels: wanted!.info.channels });
    expect(given!.data.equals(wanted!.data), request).toBe(true);
  }
}
