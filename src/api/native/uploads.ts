import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Asset } from '../../assets/assets.ts';
import { ComfleetError } from '../../errors.ts';
import type { FileName } from '../../store/store.ts';
import type { ApiContext, ApiLimits } from '../context.ts';
import { asCatalogued } from '../problems.ts';
import type { Api } from '../api.ts';
import { answerEmpty, answerText, answerTrouble } from './answers.ts';
import { isFolderType, uploadName } from './file-names.ts';
import { maxUploadBytes } from './limits.ts';
import { composeMask } from './mask.ts';
import { mimeOf } from './mime.ts';
import { addNativeRoute, type NativeCall, type NativeHandler } from './route.ts';
import { readUpload, type UploadForm } from './upload-form.ts';

/** Changes what is uploaded. Null: nothing is written, and the answer is the same; `trouble`: the form is not what it should be. */
type Change = (call: NativeCall, form: UploadForm, asset: Asset) => Promise<Asset | null | 'trouble'>;

/** `POST /upload/image` and `/upload/mask`: files that the caller's graphs can read, on whichever container they run. */
export function addUploadRoutes(app: Api, context: ApiContext, limits: ApiLimits): void {
  void app.register(async (scope: Api) => {
    // Whatever is no form is refused unread.
    scope.removeContentTypeParser(['application/json', 'application/x-www-form-urlencoded']);
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null, null));
    const maxBytes = (): number => maxUploadBytes(context, limits);
    const asIs: Change = async (_call, _form, asset) => asset;
    const masked: Change = (call, { fields }, asset) => composeMask(context, call, fields.get('original_ref'), asset);
    addNativeRoute(scope, context, 'POST', '/upload/image', uploading(context, maxBytes, asIs));
    addNativeRoute(scope, context, 'POST', '/upload/mask', uploading(context, maxBytes, masked));
  });
}

function uploading(context: ApiContext, limitOf: () => number, change: Change): NativeHandler {
  const { store, assets, clock } = context;
  return async (call, request, reply) => {
    const maxBytes = limitOf();
    const form = await readUpload(request, assets, maxBytes).catch((error: unknown) => answerTooLarge(request, reply, maxBytes, error));
    if (form === undefined) return reply;
    if (!form?.image) return answerEmpty(reply, 400);
    const { filename, asset } = form.image;
    // From here on the sweeper knows of it, whatever becomes of the request.
    await store.touchAsset({ id: asset.id, bytes: asset.bytes, kind: 'upload', at: clock.now() });
    const type = form.fields.get('type') ?? 'input';
    if (filename === '' || !isFolderType(type)) return answerTrouble(reply);
    const name = uploadName(type, form.fields.get('subfolder') ?? '', filename);
    if (!name) return answerEmpty(reply, 400);
    const changed = await change(call, form, asset);
    if (changed === 'trouble') return answerTrouble(reply);
    return changed ? keep(context, call, form, name, changed) : wireName(name);
  };
}

async function keep({ store, clock }: ApiContext, call: NativeCall, form: UploadForm, name: FileName, asset: Asset) {
  const overwrite = ['true', '1'].includes(form.fields.get('overwrite') ?? '');
  const file = { ...name, asset: asset.id, bytes: asset.bytes, mime: mimeOf(name.filename) };
  return wireName(await store.nameUpload({ caller: call.caller, file, overwrite, at: clock.now() }));
}

const wireName = ({ filename, subfolder, type }: FileName) => ({ name: filename, subfolder, type });

/** Undefined: the request is answered. */
function answerTooLarge(request: FastifyRequest, reply: FastifyReply, maxBytes: number, error: unknown): undefined {
  const known = asCatalogued(error, request);
  if (!(known instanceof ComfleetError) || known.code !== 'body_too_large') throw error;
  answerText(reply.header('connection', 'close'), 413, `Maximum request body size ${maxBytes} exceeded.`);
}
