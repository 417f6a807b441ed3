import type { GraphNode, InputDefinition, Json, NodeDefinition, NodeDefinitions } from './protocol.ts';

/** The definition of a node's class; undefined when no container has it. */
export const definitionOf = (definitions: NodeDefinitions, classType: string): NodeDefinition | undefined =>
  Object.hasOwn(definitions, classType) ? definitions[classType] : undefined;

/** Python writes numbers that JSON has not: a limit of `Infinity` is none. Throws SyntaxError. */
export function parseDefinitions(text: string): NodeDefinitions {
  const isPython = /[:[,]\s*(?:-?Infinity|NaN)\s*[,}\]]/.test(text);
  const json = isPython ? text.replaceAll(/([:[,]\s*)(?:-?Infinity|NaN)(?=\s*[,}\]])/g, '$1null') : text;
  return JSON.parse(json) as NodeDefinitions;
}

/** What a definition says of one input; undefined when it has none of that name. */
export function inputOf(definition: NodeDefinition | undefined, field: string): InputDefinition | undefined {
  for (const group of [definition?.input.required, definition?.input.optional]) {
    if (group && Object.hasOwn(group, field)) return group[field];
  }
  return undefined;
}

/** The choices of an input, in either style; null when it is no choice list, or a list that is fetched from elsewhere. */
export function choicesOf(input: InputDefinition | undefined): readonly Json[] | null {
  if (!input) return null;
  const [type, options] = input;
  if (Array.isArray(type)) return type;
  const choices = options?.['options'];
  return type === 'COMBO' && Array.isArray(choices) ? choices : null;
}

/** What a file field takes: a model, or a file of the input folder. */
export type FileKind = { readonly folder: string; readonly upload: 'image' | 'file' | null };

/** Folders below `models/` by the names that fields of loaders have by convention. */
const modelFolders: Readonly<Record<string, string>> = {
  ckpt_name: 'checkpoints',
  lora_name: 'loras',
  vae_name: 'vae',
  control_net_name: 'controlnet',
  unet_name: 'diffusion_models',
  clip_name: 'text_encoders',
  clip_name1: 'text_encoders',
  clip_name2: 'text_encoders',
  clip_name3: 'text_encoders',
  clip_name4: 'text_encoders',
  style_model_name: 'style_models',
  gligen_name: 'gligen',
  hypernetwork_name: 'hypernetworks',
  photomaker_model_name: 'photomaker',
  audio_encoder_name: 'audio_encoders',
  'CLIPVisionLoader.clip_name': 'clip_vision',
  'UpscaleModelLoader.model_name': 'upscale_models',
  'ImageOnlyCheckpointLoader.ckpt_name': 'checkpoints',
};

/** Fields that take a file of the input folder, where the definitions are not at hand. */
const inputFields: Readonly<Record<string, 'image' | 'file'>> = {
  'LoadImage.image': 'image',
  'LoadImageMask.image': 'image',
  'LoadAudio.audio': 'file',
  'LoadVideo.file': 'file',
};

const modelFile = /\.(safetensors|sft|ckpt|pth|pt|bin|gguf|onnx)$/i;

/** What kind of file a field names, by its definition, else by convention; null when it names none. */
export function fileKindOf(node: GraphNode, field: string, input: InputDefinition | undefined): FileKind | null {
  const options = input?.[1] ?? {};
  const output = options['image_folder'] === 'output' || node.class_type === 'LoadImageOutput';
  const folder = output ? 'output' : 'input';
  if (options['image_upload'] === true) return { folder, upload: output ? null : 'image' };
  if (Object.keys(options).some((key) => key.endsWith('_upload') && options[key] === true)) return { folder, upload: 'file' };
  const qualified = `${node.class_type}.${field}`;
  const upload = input ? undefined : inputFields[qualified];
  if (upload) return { folder: 'input', upload };
  const isChoice = !input || Array.isArray(input[0]) || input[0] === 'COMBO';
  if (!isChoice) return null;
  const models = modelFolders[qualified] ?? modelFolders[field];
  if (models) return { folder: `models/${models}`, upload: null };
  const value = node.inputs[field];
  return typeof value === 'string' && modelFile.test(value) ? { folder: 'models', upload: null } : null;
}
