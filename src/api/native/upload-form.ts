import type { FastifyRequest } from 'fastify';
import type { Asset, Assets } from '../../assets/assets.ts';
import { ComfleetError } from '../../errors.ts';

/** A form with a picture, whose bytes are stored already. */
export interface UploadForm {
  readonly fields: ReadonlyMap<string, string>;
  /** The file called `image`; null: there is none. */
  readonly image: { readonly filename: string; readonly asset: Asset } | null;
}

const limits = { fields: 20, fieldSize: 64 * 1024, files: 5, parts: 25, headerPairs: 50 };

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
  for await (const part of request.parts({ preservePath: true, limits: { ...limits, fileSize: maxBytes + 1 } })) {
    if (part.type === 'field') {
      if (part.valueTruncated) throw tooLarge(limits.fieldSize);
      if (!fields.has(part.fieldname)) fields.set(part.fieldname, String(part.value));
    } else if (part.fieldname === 'image' && image === null) {
      image = { filename: part.filename ?? '', asset: await assets.put(part.file, { maxBytes }) };
    } else {
      part.file.resume();
    }
  }
  return { fields, image };
}

const tooLarge = (maxBytes: number): ComfleetError =>
  new ComfleetError('body_too_large', `Maximum request body size ${maxBytes} exceeded.`);
