import { readFileSync } from 'node:fs';
import type { InputDefinition, Json, NodeDefinition, NodeDefinitions } from '../comfyui/protocol.ts';
import type { Catalogue } from '../comfyui/runner.ts';
import { modelFolders } from './model-folders.ts';
import type { Profile } from './profile.ts';
import { systemStatsOf } from './system-stats.ts';

/** Model files by folder, as far as the nodes ask for them. */
export interface ModelFolders {
  readonly checkpoints: readonly string[];
  readonly loras: readonly string[];
  readonly vae: readonly string[];
  readonly controlnet?: readonly string[];
}

/** Names that many workflows use; there is nothing behind them. */
export const usualModels: ModelFolders = {
  checkpoints: [
    'dreamshaper_8.safetensors',
    'sd_xl_base_1.0.safetensors',
    'sd_xl_turbo_1.0_fp16.safetensors',
    'v1-5-pruned-emaonly-fp16.safetensors',
    'v1-5-pruned-emaonly.safetensors',
  ],
  loras: ['detail.safetensors', 'style.safetensors'],
  vae: ['sdxl_vae.safetensors', 'vae-ft-mse-840000-ema-pruned.safetensors'],
  controlnet: ['control_v11p_sd15_canny.safetensors', 'control_v11p_sd15_openpose.safetensors'],
};

/** Nodes that a file among the custom nodes brings. */
const customNodes: Readonly<Record<string, string>> = { SaveImageWebsocket: 'websocket_image_save.py' };

/** What a container with these models and this profile says in its lists. */
export const catalogueFor = (models: ModelFolders, profile: Profile): Catalogue => ({
  stats: systemStatsOf(profile),
  features: null,
  extensions: [],
  embeddings: [],
  models: Object.entries(modelFolders).map(([folder, { length: paths }]) => {
    const files = Object.hasOwn(models, folder) ? (models[folder as keyof ModelFolders] ?? []) : [];
    return { folder, files, details: null, paths };
  }),
});

/** Those of a recorded ComfyUI 0.3.64, and the loaders that its page does not open without. */
let defined: NodeDefinitions | null = null;
const byModels = new WeakMap<ModelFolders, NodeDefinitions>();

/** Node definitions of a container with these models and files of custom nodes (null: all). */
export function definitionsFor(models: ModelFolders, files: readonly string[] | null = null): NodeDefinitions {
  const all = allDefinitions(models);
  if (files === null) return all;
  const left = Object.entries(all).filter(([name]) => !(name in customNodes) || files.includes(customNodes[name] as string));
  return Object.fromEntries(left);
}

/** Shared by all containers that were given the same object. */
function allDefinitions(models: ModelFolders): NodeDefinitions {
  const known = byModels.get(models);
  if (known) return known;
  defined ??= JSON.parse(readFileSync(new URL('./object-info.json', import.meta.url), 'utf8')) as NodeDefinitions;
  const definitions = { ...defined };
  const offer = (node: string, input: string, choices: readonly string[]): void => {
    definitions[node] = withChoices(definitions[node] as NodeDefinition, input, choices);
  };
  offer('CheckpointLoaderSimple', 'ckpt_name', models.checkpoints);
  offer('ImageOnlyCheckpointLoader', 'ckpt_name', models.checkpoints);
  offer('LoraLoader', 'lora_name', models.loras);
  offer('LoraLoaderModelOnly', 'lora_name', models.loras);
  offer('VAELoader', 'vae_name', [...models.vae, 'pixel_space']);
  offer('ControlNetLoader', 'control_net_name', models.controlnet ?? []);
  byModels.set(models, definitions);
  return definitions;
}

/** A definition whose input offers other choices. */
export function withChoices(definition: NodeDefinition, input: string, choices: readonly string[]): NodeDefinition {
  const [, ...options] = (definition.input.required ?? {})[input] as InputDefinition;
  const offered = [[...choices] as Json[], ...options] as InputDefinition;
  return { ...definition, input: { ...definition.input, required: { ...definition.input.required, [input]: offered } } };
}
