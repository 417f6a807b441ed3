import sharp, { type Sharp } from 'sharp';
import { withTextOf } from './png-text.ts';

/*
 * Pictures as `/view` and `/upload/mask` change them. sharp works in threads of its own; only kinds that ComfyUI's own library would read
 * are read: SVG and PDF, which sharp can read too, may refer to other files.
 */

const formats: ReadonlySet<string | undefined> = new Set(['png', 'jpeg', 'webp', 'gif', 'tiff', 'heif', 'avif']);
const maxPixels = 120_000_000;
/** Where every pixel has to be in memory at once. */
const maxRawPixels = 40_000_000;
/** Changes under way at once. They run in the threads that also read files: those must not all be busy with pictures. */
const atOnce = 2;

/** Reads a picture. Rejects what is none, and one that would take the machine's memory. */
async function open(content: Buffer, limitInputPixels = maxPixels): Promise<Sharp> {
  const picture = sharp(content, { limitInputPixels });
  const { format } = await picture.metadata();
  if (!formats.has(format)) throw new Error(`${format} is no format of pictures`);
  return picture;
}

export interface Conversion {
  readonly format: 'png' | 'webp' | 'jpeg';
  readonly quality: number;
  readonly channel: 'rgb' | 'a' | null;
}

/**
 * What the query asks for; null: the file as it is. Any format but jpeg means WebP, which also stands in where there must be an alpha
 * channel.
 */
export function conversionOf(preview: string | null, channel: string | null): Conversion | null {
  if (preview !== null) {
    const [format = ''] = preview.split(';');
    const last = preview.split(';').at(-1) ?? '';
    const quality = /^\d{1,9}$/.test(last) ? Math.min(100, Math.max(1, Number(last))) : 90;
    const jpeg = format === 'jpeg' && !(channel ?? '').includes('a');
    return { format: jpeg ? 'jpeg' : 'webp', quality, channel: channel === 'rgb' ? 'rgb' : null };
  }
  return channel === 'rgb' || channel === 'a' ? { format: 'png', quality: 100, channel } : null;
}

/** Null: it is no whole picture. */
export function convert(content: Buffer, conversion: Conversion): Promise<{ mime: string; bytes: Buffer } | null> {
  return nullIfBroken(async () => {
    const { format, quality, channel } = conversion;
    const picture = channel === 'a' ? await alphaOnly(content) : await open(content);
    // JPEG has no alpha: the colours are kept as they are, not laid on black.
    const opaque = channel === 'rgb' || format === 'jpeg' ? picture.removeAlpha() : picture;
    const made = format === 'png' ? opaque.png() : format === 'jpeg' ? opaque.jpeg({ quality }) : opaque.webp({ quality });
    return { mime: `image/${format}`, bytes: await made.toBuffer() };
  });
}

/** The colours of one picture with the alpha of another, as PNG with what the first says in words; null when they are no pictures of one size. */
export function withAlphaOf(original: Buffer, mask: Buffer): Promise<Buffer | null> {
  return nullIfBroken(async () => {
    const [colours, alpha] = [await rgba(original), await rgba(mask)];
    const { width, height } = colours.info;
    if (alpha.info.width !== width || alpha.info.height !== height) return null;
    for (let i = 3; i < colours.data.length; i += 4) colours.data[i] = alpha.data[i] as number;
    const picture = sharp(colours.data, { raw: { width, height, channels: 4 } });
    return withTextOf(await picture.png({ compressionLevel: 4 }).toBuffer(), original);
  });
}

const waiting: (() => void)[] = [];
let working = 0;

/** Does it in its turn. sharp tells of what it cannot read in many ways, some of them before its promise: null stands for all. */
async function nullIfBroken<Result>(work: () => Promise<Result | null>): Promise<Result | null> {
  if (working >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else working++;
  try {
    return await work();
  } catch {
    return null;
  } finally {
    // The turn goes to the next, or ends.
    const next = waiting.shift();
    if (next) next();
    else working--;
  }
}

/** The alpha on black; a picture without one is opaque. */
async function alphaOnly(content: Buffer): Promise<Sharp> {
  const { data, info } = await rgba(content);
  for (let i = 0; i < data.length; i += 4) data.fill(0, i, i + 3);
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } });
}

async function rgba(content: Buffer) {
  const picture = await open(content, maxRawPixels);
  return picture.toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true });
}
