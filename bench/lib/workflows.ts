import type { Graph, InputDefinition, NodeDefinitions } from '../../src/comfyui/protocol.ts';

/** A picture of 64 pixels in one colour: nothing takes time in it. Each colour is another picture, so that no result is found ready. */
export const plainGraph = (color: number): Graph => ({
  1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'bench' } },
});

/** A sampler of 20 steps, which takes what the profile of the container says. */
export const samplerGraph: Graph = {
  1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'v1-5-pruned-emaonly-fp16.safetensors' } },
  2: { class_type: 'CLIPTextEncode', inputs: { text: 'a regal phoenix', clip: ['1', 1] } },
  3: { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['1', 1] } },
  4: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
  5: {
    class_type: 'KSampler',
    inputs: {
      seed: 1,
      steps: 20,
      cfg: 7,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
      model: ['1', 0],
      positive: ['2', 0],
      negative: ['3', 0],
      latent_image: ['4', 0],
    },
  },
  6: { class_type: 'VAEDecode', inputs: { samples: ['5', 0], vae: ['1', 2] } },
  7: { class_type: 'SaveImage', inputs: { images: ['6', 0], filename_prefix: 'bench' } },
};

/** A node that sends previews, and no node of ComfyUI: what it sends stands in the graph. */
export const previewerClass = 'BenchPreviews';

export interface Previews {
  /** Another one makes another prompt. */
  readonly seed: number;
  readonly steps: number;
  /** Of each preview. */
  readonly bytes: number;
  /** Bytes of a text at the end. */
  readonly text: number;
}

/** Previews, then a picture. */
export const previewGraph = (previews: Previews): Graph => ({
  1: { class_type: previewerClass, inputs: { ...previews } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'bench' } },
});

const whole: InputDefinition = ['INT', { default: 0, min: 0, max: 2 ** 32 }];

/** What a server with that node says of its nodes. */
export const previewNodes: NodeDefinitions = {
  [previewerClass]: {
    input: { required: { seed: whole, steps: whole, bytes: whole, text: whole } },
    output: ['IMAGE'],
    name: previewerClass,
    output_node: false,
  },
  SaveImage: {
    input: { required: { images: ['IMAGE', {}], filename_prefix: ['STRING', { default: 'ComfyUI' }] } },
    output: [],
    name: 'SaveImage',
    output_node: true,
  },
};
