import type { FastifyReply, FastifyRequest } from 'fastify';
import { ComfleetError } from '../../errors.ts';
import type { FileName, NamedFile } from '../../store/store.ts';
import type { ApiContext } from '../context.ts';
import { matchesTag, sendFile } from '../send-file.ts';
import type { Api } from '../api.ts';
import { answerEmpty, answerTrouble } from './answers.ts';
import { viewedName } from './file-names.ts';
import { conversionOf, convert, type Conversion } from './pictures.ts';
import { addNativeRoute, queryOf, type NativeCall } from './route.ts';

/** A name can come to mean other bytes (overwrite), so it is asked for again each time; with its tag that costs little. */
const cacheControl = 'private, no-cache';

/** Larger files are no pictures that somebody wants a small one of. */
const maxPictureBytes = 100 * 1024 * 1024;

/** `GET /view`: a file by its name, from the assets, whether or not the container that made it still lives. */
export function addViewRoute(app: Api, context: ApiContext): void {
  addNativeRoute(app, context, 'GET', '/view', async (call, request, reply) => {
    const asked = (key: string): string | null => queryOf(request, key);
    const name = viewedName({ filename: asked('filename'), type: asked('type'), subfolder: asked('subfolder') });
    if (typeof name === 'number') return answerEmpty(reply, name);
    const file = await findFile(context, call, name);
    if (!file) return answerEmpty(reply, 404);
    const conversion = conversionOf(asked('preview'), asked('channel'));
    return conversion ? sendConverted(context, request, reply, file, conversion) : sendPlain(context, request, reply, file);
  });
}

/** The caller's file of this name; for an admin also anybody's, the newest. */
export async function findFile({ store }: ApiContext, { caller, seesAll }: NativeCall, name: FileName): Promise<NamedFile | null> {
  return (await store.namedFile({ caller, ...name })) ?? (seesAll ? store.namedFile({ caller: null, ...name }) : null);
}

async function sendPlain({ assets }: ApiContext, request: FastifyRequest, reply: FastifyReply, file: NamedFile): Promise<FastifyReply> {
  const { asset, bytes, mime, filename } = file;
  try {
    return await sendFile(request, reply, assets, { content: asset, bytes, mime, tag: asset, filename, cacheControl });
  } catch (error) {
    const code = error instanceof ComfleetError ? error.code : null;
    if (code === 'range_not_satisfiable') return answerEmpty(reply, 416);
    if (code === 'not_found') return answerEmpty(reply, 404);
    throw error;
  }
}

async function sendConverted(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  file: NamedFile,
  conversion: Conversion,
): Promise<FastifyReply> {
  const { filename } = file;
  const { format, quality, channel } = conversion;
  const tag = `${file.asset}-${format}-${quality}-${channel ?? 'all'}`;
  if (matchesTag(request.headers['if-none-match'], `"${tag}"`)) return reply.header('etag', `"${tag}"`).code(304).send();
  const content = await pictureBytes(context, file);
  const converted = content && (await convert(content, conversion));
  if (!converted) return answerTrouble(reply);
  const { mime, bytes } = converted;
  return sendFile(request, reply, context.assets, { content: bytes, bytes: bytes.length, mime, tag, filename, cacheControl });
}

/** The bytes of a file that may be a picture; null: it is too large for one, or gone. */
export async function pictureBytes({ assets }: ApiContext, { asset, bytes }: { asset: string; bytes: number }): Promise<Buffer | null> {
  if (bytes > maxPictureBytes) return null;
  return assets.bytes(asset).catch((error: unknown) => {
    if (error instanceof ComfleetError && error.code === 'not_found') return null;
    throw error;
  });
}
