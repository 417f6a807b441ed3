import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { readTextChunks } from '../../src/emulator/png.ts';
import type { HttpResponse, Json, Message } from './transcript.ts';

/** Brings what a server said into a form in which two runs of the same server look the same, and nothing else is lost. */

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Lists that are sets in ComfyUI. */
const sets = new Set(['executed', 'current_outputs', 'dependent_outputs']);
/** Values that belong to one machine or one moment. Whether they are there, and of which type they are, still counts. */
const volatile = new Set(['timestamp', 'modified', 'created', 'ram_total', 'ram_free', 'argv', 'python_version', 'pytorch_version']);
const isVolatile = (key: string): boolean => volatile.has(key) || /^(torch_)?vram_/.test(key);
/** How Python writes tensors and other objects: not worth imitating. */
const pythonObject = /^(tensor\(|tensor of shape|<|\{'samples')/;

/** Headers that are compared; of some only whether they are there. */
const comparedHeaders = (
  'content-type content-disposition accept-ranges content-range allow cache-control pragma expires access-control-allow-origin ' +
  'access-control-allow-methods access-control-allow-headers access-control-allow-credentials'
).split(' ');
const shownHeaders = ['etag', 'last-modified'];

export interface NormalFormOptions {
  /** What stands for the recorded server's folders. */
  readonly folder: string;
  /** False: decoded pixels are not compared, since a sampler made them. */
  readonly pixels: boolean;
}

export class NormalForm {
  readonly #names = new Map<string, string>();
  readonly #options: NormalFormOptions;

  constructor(options: NormalFormOptions) {
    this.#options = options;
  }

  /** Ids that a server made are replaced by names. */
  name(id: string, as: string): void {
    if (!this.#names.has(id)) this.#names.set(id, as);
  }

  text(value: string): string {
    let text = value.replaceAll(this.#options.folder, '/data').replaceAll(/ComfyUI_temp_[a-z]{5}_/g, 'ComfyUI_temp_xxxxx_');
    for (const [id, name] of this.#names) text = text.replaceAll(id, name);
    return text;
  }

  value(value: Json | undefined, key = ''): unknown {
    if (isVolatile(key)) return `some ${typeof value}`;
    if (key === 'traceback') return isTraceback(value) ? 'a traceback' : value;
    if (typeof value === 'string') return key === 'current_inputs' && pythonObject.test(value) ? 'an object' : this.text(value);
    const inner = key === 'current_inputs' ? key : '';
    if (Array.isArray(value)) {
      const items = value.map((item) => this.value(item, inner));
      return sets.has(key) ? items.sort(byText) : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, item]): [string, unknown] => [this.text(name), this.value(item, inner || name)]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async response({ status, headers, json, text, base64 }: HttpResponse): Promise<unknown> {
    const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const shown: Record<string, string> = {};
    for (const name of comparedHeaders) {
      const value = given.get(name);
      if (value !== undefined) shown[name] = this.text(value).replace(/^(bytes .*)\/\d+$/, '$1/size');
    }
    for (const name of shownHeaders) if (given.has(name)) shown[name] = 'there';
    const body = json === undefined ? {} : { json: sortedOutputs(this.value(json)) };
    return {
      status,
      headers: shown,
      ...body,
      ...(text === undefined ? {} : { text: this.text(text) }),
      ...(base64 === undefined ? {} : { file: await this.#file(Buffer.from(base64, 'base64')) }),
    };
  }

  message(message: Message): { type: string; data: unknown } {
    return this.value(message) as { type: string; data: unknown };
  }

  async frame(frame: Buffer): Promise<unknown> {
    const kind = frame.readUInt32BE(0);
    const word = frame.readUInt32BE(4);
    if (kind === 1) return { frame: kind, image: word, file: await this.#file(frame.subarray(8)) };
    if (kind === 3) return { frame: kind, node: frame.toString('utf8', 8, 8 + word), text: frame.toString('utf8', 8 + word) };
    const metadata = this.value(JSON.parse(frame.toString('utf8', 8, 8 + word)) as Json);
    return { frame: kind, metadata, file: await this.#file(frame.subarray(8 + word)) };
  }

  /** Format and size; for lossless pictures also the pixels, and for PNG the text chunks. Encoders differ, so bytes are not compared. */
  async #file(bytes: Buffer): Promise<unknown> {
    const info = await sharp(bytes, { animated: true })
      .metadata()
      .catch(() => null);
    if (!info) return bytes.toString('latin1', 4, 8) === 'ftyp' ? { format: 'mp4' } : { format: 'other' };
    const { format, width, pageHeight, height, channels, pages = 1 } = info;
    const shape = { format, width, height: pageHeight ?? height, channels, pages };
    if (format !== 'png') return shape;
    const chunks = Object.fromEntries(readTextChunks(bytes).map(({ key, text }) => [key, this.#chunk(text)]));
    const pixels = this.#options.pixels ? await pixelsOf(bytes) : 'any';
    return { ...shape, chunks, pixels };
  }

  #chunk(text: string): unknown {
    try {
      return this.value(JSON.parse(text) as Json);
    } catch {
      return this.text(text);
    }
  }
}

/** One colour as it is, else a digest. */
async function pixelsOf(bytes: Buffer): Promise<string> {
  try {
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    const first = data.subarray(0, info.channels);
    for (let i = 0; i < data.length; i += info.channels) {
      if (!data.subarray(i, i + info.channels).equals(first)) return createHash('sha256').update(data).digest('hex').slice(0, 16);
    }
    return `all ${[...first].join(' ')}`;
  } catch {
    // The part of a file that a range asked for.
    return 'cut';
  }
}

const isTraceback = (value: unknown): boolean =>
  Array.isArray(value) && value.every((line) => typeof line === 'string' && line.startsWith('  File "'));

/** A history entry or a queue item ends in the output nodes, which are a set. */
function sortedOutputs(normal: unknown): unknown {
  const visit = (part: unknown): void => {
    if (Array.isArray(part) && part.length === 5 && typeof part[0] === 'number' && Array.isArray(part[4])) part[4].sort(byText);
    if (typeof part === 'object' && part !== null) for (const item of Object.values(part)) visit(item);
  };
  visit(normal);
  return normal;
}
