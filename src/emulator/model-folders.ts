import { join } from 'node:path';

/** Folders of models in ComfyUI's order, each with its places below the base folder. */
export const modelFolders: Readonly<Record<string, readonly string[]>> = {
  checkpoints: ['models/checkpoints', 'output/checkpoints'],
  configs: ['models/configs'],
  loras: ['models/loras', 'output/loras'],
  vae: ['models/vae', 'output/vae'],
  text_encoders: ['models/text_encoders', 'models/clip', 'output/clip'],
  diffusion_models: ['models/unet', 'models/diffusion_models', 'output/diffusion_models'],
  clip_vision: ['models/clip_vision'],
  style_models: ['models/style_models'],
  embeddings: ['models/embeddings'],
  diffusers: ['models/diffusers'],
  vae_approx: ['models/vae_approx'],
  controlnet: ['models/controlnet', 'models/t2i_adapter'],
  gligen: ['models/gligen'],
  upscale_models: ['models/upscale_models'],
  custom_nodes: ['custom_nodes'],
  hypernetworks: ['models/hypernetworks'],
  photomaker: ['models/photomaker'],
  classifiers: ['models/classifiers'],
  model_patches: ['models/model_patches'],
  audio_encoders: ['models/audio_encoders'],
};

export const foldersOf = (name: string, base: string): string[] => (modelFolders[name] ?? []).map((folder) => join(base, folder));
