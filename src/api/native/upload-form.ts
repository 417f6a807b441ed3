import type { FastifyRequest } from 'fastify';
import type { Asset, Assets } from '../../assets/assets.ts';
import { ComfleetError } from '../../errors.ts';
import { isFile, partsOf, readField } from '../body.ts';

/** A form with a picture, whose bytes are stored already. */
export interface UploadForm {
  readonly fields: ReadonlyMap<string, string>;
  /** The file called `image`; null: there is none. */
  readonly image: { readonly filename: string; readonly asset: Asset } | null;
}

const limits = { files: 25, parts: 25, headerPairs: 50 };
const maxFieldBytes = 64 * 1024;

/**
 * Reads an upload. The first of several parts of a name counts, as with ComfyUI; other files are passed over. Null: it is no form.
 * Error: `body_too_large`, also for a form as a whole that is over `maxBytes`.
 */
export async function readUpload(request: FastifyRequest, assets: Assets, maxBytes: number): Promise<UploadForm | null> {
  if (!request.isMultipart() || !/;\s*boundary=/i.test(request.headers['content-type'] ?? '')) return null;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const fields = new Map<string, string>();
  let image: UploadForm['image'] = null;
  // The path of a file name is kept, since one that leads out of its folder is refused.
  for await (const part of partsOf(request, { preservePath: true, limits: { ...limits, fileSize: maxBytes + 1 } })) {
    if (!isFile(part)) {
      const value = await readField(part, maxFieldBytes);
      if (!fields.has(part.fieldname)) fields.set(part.fieldname, value.toString());
    } else if (part.fieldname === 'image' && image === null) {
      image = { filename: part.filename, asset: await assets.put(part.file, { maxBytes }) };
    } else {
      part.file.resume();
    }
  }
  return { fields, image };
}

const tooLarge = (maxBytes: number): ComfleetError =>
  new ComfleetError('body_too_large', `Maximum request body size ${maxBytes} exceeded.`);
