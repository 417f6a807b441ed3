import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { FileReference } from '../comfyui/protocol.ts';
import type { Container } from './container.ts';
import { isFolderType } from './files.ts';
import type { FileInfo, FolderType } from './files.ts';
import { answer, answerEmpty, answerJson, answerTrouble, multipart, readBody } from './http.ts';
import type { Call, Part } from './http.ts';
import type { Handler, Routes } from './router.ts';
import { codec } from './pixels/codec.ts';
import type { Codec } from './pixels/codec.ts';

const mimeTypes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  avif: 'image/avif',
  svg: 'image/svg+xml',
  mp4: 'video/mp4',
  webm: 'video/webm',
  wav: 'audio/wav',
  flac: 'audio/flac',
  mp3: 'audio/mpeg',
  txt: 'text/plain',
  json: 'application/json',
};

const mimeOf = (name: string): string => mimeTypes[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream';

/** The file that `/view` asks for, or the status that refuses it. */
function viewed({ files }: Container, query: URLSearchParams): { file: FileInfo; type: FolderType; name: string } | number {
  const asked = query.get('filename');
  if (asked === null) return 404;
  if (asked === '') return 400;
  const { name, type, marked } = files.annotated(asked, 'output');
  if (name === '' || name.startsWith('/') || name.includes('..')) return 400;
  const folder = marked ? type : (query.get('type') ?? 'output');
  if (!isFolderType(folder)) return 400;
  const subfolder = query.get('subfolder') ?? '';
  if (files.path(folder, subfolder, 'x') === null) return 403;
  const path = files.path(folder, subfolder, basename(name));
  const file = path === null ? null : files.info(path);
  return file ? { file, type: folder, name: basename(name) } : 404;
}

/** The part of a file that a Range header asks for; null: none, or one that is not understood; 'bad': beyond the end. */
function rangeOf(header: string | undefined, size: number): { from: number; to: number } | null | 'bad' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const from = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const to = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return from >= size || from > to ? 'bad' : { from, to };
}

async function plain({ files, faults }: Container, { request, response }: Call, file: FileInfo, type: string): Promise<void> {
  const isKnown = request.headers['if-none-match'] === file.etag;
  const range = rangeOf(request.headers.range, file.size);
  if (range === 'bad' && !isKnown) {
    response.setHeader('Content-Range', `bytes */${file.size}`);
    return answer(response, 416, type, '');
  }
  response.setHeader('ETag', file.etag);
  response.setHeader('Last-Modified', file.modified.toUTCString());
  if (isKnown || range === 'bad') {
    response.writeHead(304, { 'Content-Type': type });
    response.end();
    return;
  }
  response.setHeader('Accept-Ranges', 'bytes');
  const whole = await files.read(file);
  const content = faults.corruptFile ? whole.subarray(0, whole.length >> 1) : whole;
  if (range === null) return answer(response, 200, type, content);
  response.setHeader('Content-Range', `bytes ${range.from}-${range.to}/${file.size}`);
  return answer(response, 206, type, content.subarray(range.from, range.to + 1));
}

/** Keeps the colours, or the alpha alone on black. */
async function oneChannel(sharp: Codec, content: Buffer, channel: 'rgb' | 'a'): Promise<ReturnType<Codec>> {
  if (channel === 'rgb') return sharp(content).removeAlpha();
  const { data, info } = await sharp(content).ensureAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i += 4) data.fill(0, i, i + 3);
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } });
}

/** A picture as another format (`preview=webp;90`), or only some of its channels. */
async function converted(content: Buffer, preview: string | null, channel: string | null): Promise<{ type: string; body: Buffer }> {
  const sharp = await codec();
  const picture = channel === 'rgb' || channel === 'a' ? await oneChannel(sharp, content, channel) : sharp(content);
  if (preview === null) return { type: 'image/png', body: await picture.png().toBuffer() };
  const [format = '', wanted = ''] = preview.split(';');
  const quality = /^\d+$/.test(wanted) ? Math.min(100, Math.max(1, Number(wanted))) : 90;
  if (format === 'jpeg' && channel !== 'a') return { type: 'image/jpeg', body: await picture.jpeg({ quality }).toBuffer() };
  return { type: 'image/webp', body: await picture.webp({ quality }).toBuffer() };
}

const view: Handler<Container> = async (container, call) => {
  const { query, response } = call;
  const found = viewed(container, query);
  if (typeof found === 'number') return answerEmpty(response, found);
  const { file, type, name } = found;
  if (type !== 'input') await container.waitOutside();
  const [preview, channel] = [query.get('preview'), query.get('channel')];
  const isPlain = preview === null && channel !== 'rgb' && channel !== 'a';
  const conversion = isPlain ? null : await converted(await container.files.read(file), preview, channel);
  response.setHeader('Content-Disposition', `filename="${encodeURI(name)}"`);
  if (!conversion) return plain(container, call, file, mimeOf(name));
  const { type: mime, body } = conversion;
  return answer(response, 200, mime, body);
};

const valueOf = (parts: readonly Part[], name: string): string | null =>
  parts.find((part) => part.name === name && part.filename === null)?.content.toString() ?? null;

/** Changes what is uploaded; null: nothing is written, and the answer is the same. */
type Change = (container: Container, parts: readonly Part[], content: Buffer) => Promise<Buffer | null>;

function uploading(change: Change): Handler<Container> {
  return async (container, call) => {
    const { request, response } = call;
    const parts = multipart(request.headers['content-type'], await readBody(call));
    const image = parts.find((part) => part.name === 'image' && part.filename !== null);
    if (!image || image.filename === null) return answerEmpty(response, 400);
    const type = valueOf(parts, 'type') ?? 'input';
    const subfolder = valueOf(parts, 'subfolder') ?? '';
    if (image.filename === '' || !isFolderType(type)) return answerTrouble(response);
    if (container.files.path(type, subfolder, image.filename) === null || escapes(subfolder, image.filename))
      return answerEmpty(response, 400);
    const content = await change(container, parts, image.content);
    const overwrite = ['true', '1'].includes(valueOf(parts, 'overwrite') ?? '');
    const name = content ? await container.files.upload(type, subfolder, image.filename, content, overwrite) : image.filename;
    return answerJson(response, { name, subfolder, type });
  };
}

const escapes = (...names: readonly string[]): boolean => names.some((name) => name.split(/[/\\]/).includes('..'));

/** Puts the alpha of an upload onto the picture that `original_ref` names. */
const mask: Change = async (container, parts, content) => {
  const reference = JSON.parse(valueOf(parts, 'original_ref') ?? '') as Partial<FileReference>;
  const { filename = '', subfolder = '', type = 'output' } = reference;
  const path = escapes(filename) || !isFolderType(type) ? null : container.files.path(type, subfolder, filename);
  const original = path === null ? null : container.files.info(path);
  if (!original) return null;
  const sharp = await codec();
  const alpha = await sharp(content).ensureAlpha().extractChannel('alpha').toBuffer();
  const colors = await sharp(await container.files.read(original))
    .removeAlpha()
    .toBuffer();
  return sharp(colors).joinChannel(alpha).png().toBuffer();
};

const listing: Handler<Container> = async ({ files }, { parameters: [type = ''], response }) => {
  if (!isFolderType(type)) return answerJson(response, { error: 'Invalid directory type' }, 400);
  // ComfyUI makes its output folder at the first save, and does not foresee that someone asks earlier.
  if (type === 'output' && !existsSync(files.folder(type))) return answerTrouble(response);
  return answerJson(response, await files.list(type));
};

export const fileRoutes: Routes<Container> = {
  '/view': { GET: view },
  '/upload/image': { POST: uploading(async (_container, _parts, content) => content) },
  '/upload/mask': { POST: uploading(mask) },
  '/internal/files/*': { GET: listing },
};
