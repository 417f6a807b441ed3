import type { Readable } from 'node:stream';
import type { Assets } from '../assets/assets.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';
import type { Store } from '../store/store.ts';
import { sniff } from './sniff.ts';
import { parseOutboundUrl, type SafeFetch } from './safe-fetch.ts';

const fetchTimeoutMs = 60_000;

/** A file that a client gave, stored by content. */
export interface StagedFile {
  readonly asset: string;
  readonly bytes: number;
  readonly mime: string;
  /** A name for the container's input folder: from the content, never from the client, so that equal files are uploaded once. */
  readonly name: string;
}

/** Text (an http(s) URL, a data URL, base64, or the id of an earlier upload), or bytes with the name that the client gave them. */
export type FileSource = string | { readonly content: Buffer | Readable; readonly filename?: string | undefined };

/**
 * Stores what a client gave as a file. Errors: `url_refused`, `url_failed`, `invalid_input` (text that is none of the four, or an
 * unknown asset), `body_too_large`.
 */
export type StageFile = (source: FileSource) => Promise<StagedFile>;

export function createStageFile(parts: { assets: Assets; store: Store; clock: Clock; fetch: SafeFetch; maxBytes: number }): StageFile {
  const { assets, store, clock, maxBytes } = parts;
  return async (source) => {
    const { asset, hint } = await storeSource(parts, source);
    const file = await assets.read(asset);
    const kind = sniff(await firstChunk(file.stream));
    await store.touchAsset({ id: asset, bytes: file.bytes, kind: 'upload', at: clock.now() });
    if (file.bytes > maxBytes)
      throw new ComfleetError('body_too_large', `The file has ${file.bytes} bytes; at most ${maxBytes} are allowed`);
    const extension = kind?.extension ?? hint ?? 'bin';
    const hex = asset.slice(asset.indexOf(':') + 1);
    return { asset, bytes: file.bytes, mime: kind?.mime ?? 'application/octet-stream', name: `${hex.slice(0, 32)}.${extension}` };
  };
}

/** Files come in chunks far larger than what `sniff` wants; leaving the loop closes the file. */
async function firstChunk(stream: Readable): Promise<Buffer> {
  for await (const chunk of stream) return chunk as Buffer;
  return Buffer.alloc(0);
}

type Parts = Parameters<typeof createStageFile>[0];

/** `hint`: what the client says the extension is, for files whose bytes do not tell. */
async function storeSource(parts: Parts, source: FileSource): Promise<{ asset: string; hint: string | null }> {
  const { assets, maxBytes } = parts;
  if (typeof source !== 'string') {
    return { asset: (await assets.put(source.content, { maxBytes })).id, hint: extensionOf(source.filename ?? '') };
  }
  if (/^blake3:[0-9a-f]{64}$/.test(source)) {
    if (!(await assets.keep(source)))
      throw new ComfleetError('invalid_input', `There is no upload ${source}; it may have been removed after its retention time`);
    return { asset: source, hint: null };
  }
  if (source.startsWith('data:')) return { asset: (await assets.put(dataUrlBytes(source), { maxBytes })).id, hint: null };
  if (/^[a-z][a-z0-9+.-]*:/i.test(source)) return fetchSource(parts, source);
  return { asset: (await assets.put(base64Bytes(source), { maxBytes })).id, hint: null };
}

async function fetchSource({ assets, fetch, maxBytes }: Parts, source: string): Promise<{ asset: string; hint: string | null }> {
  const url = parseOutboundUrl(source);
  const response = await fetch(source, { maxBytes, timeoutMs: fetchTimeoutMs });
  if (response.status !== 200) {
    response.body.on('error', () => undefined).destroy();
    throw new ComfleetError('url_failed', `${url.origin}${url.pathname} answered ${response.status}`, { answered: response.status });
  }
  return { asset: (await assets.put(response.body, { maxBytes })).id, hint: extensionOf(response.url.pathname) };
}

function dataUrlBytes(source: string): Buffer {
  const comma = source.indexOf(',');
  if (comma < 0) throw new ComfleetError('invalid_input', 'The data URL has no comma, so no data');
  const data = source.slice(comma + 1);
  if (/;\s*base64\s*$/i.test(source.slice(0, comma))) return base64Bytes(data);
  try {
    return Buffer.from(decodeURIComponent(data), 'utf8');
  } catch (error) {
    throw new ComfleetError('invalid_input', 'The data URL is not percent-encoded correctly', {}, { cause: error });
  }
}

function base64Bytes(text: string): Buffer {
  const clean = text.replace(/\s+/g, '');
  const bytes = Buffer.from(clean, 'base64');
  const same = bytes.toString('base64url') === clean.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  // A short word such as `test` decodes too, but is a file name that somebody thought we would know.
  if (same && bytes.length >= 16) return bytes;
  throw new ComfleetError(
    'invalid_input',
    `${JSON.stringify(text.slice(0, 60))} is no file: give a URL, a data URL, base64, or the asset of an upload`,
  );
}

const extensionOf = (name: string): string | null => /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? null;
