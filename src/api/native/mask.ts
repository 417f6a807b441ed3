import type { Asset } from '../../assets/assets.ts';
import type { NamedFile } from '../../store/store.ts';
import { isObject } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { viewedName } from './file-names.ts';
import { withAlphaOf } from './pictures.ts';
import type { NativeCall } from './route.ts';
import { findFile, pictureBytes } from './view.ts';

/** Puts the alpha of an upload onto the picture that `original_ref` names. Null: there is no such picture. */
export async function composeMask(
  context: ApiContext,
  call: NativeCall,
  reference: string | undefined,
  mask: Asset,
): Promise<Asset | null | 'trouble'> {
  const asked = parsed(reference);
  if (!asked || typeof asked['filename'] !== 'string') return 'trouble';
  const [type, subfolder] = [asked['type'], asked['subfolder']].map((value) => (typeof value === 'string' ? value : null));
  const name = viewedName({ filename: asked['filename'], type: type ?? null, subfolder: subfolder ?? null });
  const original: NamedFile | null = typeof name === 'object' ? await findFile(context, call, name) : null;
  if (!original) return null;
  const [colours, alpha] = await Promise.all([
    pictureBytes(context, { asset: original.asset, bytes: original.bytes }),
    pictureBytes(context, { asset: mask.id, bytes: mask.bytes }),
  ]);
  const composed = colours && alpha && (await withAlphaOf(colours, alpha));
  return composed ? context.assets.put(composed) : 'trouble';
}

function parsed(text: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
