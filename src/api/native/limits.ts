import type { ApiContext, ApiLimits } from '../context.ts';

/** What ComfyUI takes at most, unless it is told otherwise. */
const comfyUploadBytes = 104_857_600;

/** The largest upload: what the containers take, since the file has to come to one of them in the end. */
export function maxUploadBytes({ deployments }: ApiContext, { uploadBytes }: ApiLimits): number {
  const features = deployments.catalogue()?.features;
  const told = typeof features === 'object' && features !== null && !Array.isArray(features) ? features['max_upload_size'] : null;
  return Math.min(typeof told === 'number' && told > 0 ? Math.floor(told) : comfyUploadBytes, uploadBytes);
}
