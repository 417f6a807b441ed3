import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from './failure.ts';

/** Reports and charts as files. */

/** Writes a report. Error: usage, where the file cannot be written. */
export function writeReport(file: string, html: string): void {
  attempt(file, () => writeFileSync(file, html));
}

/** Writes each chart into the folder, which is made where the one above it exists, as an SVG document and as a picture. Error: usage, where that cannot be. */
export async function writeCharts(folder: string, charts: Readonly<Record<string, string>>): Promise<void> {
  // Not the folders above it: below some places, such as /proc, Node.js would try for ever.
  if (!existsSync(folder)) attempt(folder, () => mkdirSync(folder));
  for (const [name, svg] of Object.entries(charts)) {
    const picture = await pngOf(svg);
    attempt(folder, () => {
      writeFileSync(path.join(folder, `${name}.svg`), svg);
      writeFileSync(path.join(folder, `${name}.png`), picture);
    });
  }
}

/** Screens and slides show pictures larger than the document says. */
const pixelsPerUnit = 2;
/** Of an SVG document's own units. */
const dotsPerInch = 72;

/** The chart as a PNG picture, in its light colours. */
export async function pngOf(svg: string): Promise<Buffer> {
  // Loaded when needed: it is large, and most commands draw nothing.
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg), { density: dotsPerInch * pixelsPerUnit })
    .png()
    .toBuffer();
}

function attempt(place: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new UsageError(`${place} cannot be written: ${(error as Error).message}`);
  }
}
