import { latent, number, picture, text } from './node.ts';
import type { Conditioning, Inputs, Latent, ModelPart, NodeClass, NodeContext } from './node.ts';

const part = (kind: ModelPart['kind'], name: string): ModelPart => ({ kind, name });

/** Latents are whole multiples of 8 pixels. */
const whole = (pixels: number): number => Math.max(1, Math.floor(pixels / 8)) * 8;

function encoded(inputs: Inputs): Latent {
  const image = picture(inputs, 'pixels');
  const size = { width: whole(image.width), height: whole(image.height), batch: image.batch };
  return { kind: 'latent', ...size, picture: image, mask: null, prompt: '' };
}

function scaled(inputs: Inputs, width: number, height: number): Latent {
  return { ...latent(inputs, 'samples'), width: whole(width), height: whole(height) };
}

const gray = 0x7f7f7f;

/** The picture of a latent at its size, marked as emulated. */
async function decode(inputs: Inputs, { pixels }: NodeContext): Promise<unknown> {
  const { picture: held, width, height, batch, prompt } = latent(inputs, 'samples');
  const full = held ?? (await pixels.run('solidImage', { width, height, batch }, gray));
  return pixels.run('label', await pixels.run('resample', full, width, height, 'bilinear', false), prompt);
}

/** A loader of a model file, which takes its time. */
const loader = (input: string, ...kinds: ModelPart['kind'][]): NodeClass => ({
  run: async (inputs, context) => {
    const name = text(inputs, input);
    const seconds = context.timing.load(name);
    if (seconds > 0) await context.waitUntil(context.now() + seconds * 1000);
    return { outputs: kinds.map((kind) => part(kind, name)) };
  },
});

export const modelNodes: Readonly<Record<string, NodeClass>> = {
  CheckpointLoaderSimple: loader('ckpt_name', 'model', 'clip', 'vae'),
  ImageOnlyCheckpointLoader: loader('ckpt_name', 'model', 'clip_vision', 'vae'),
  UNETLoader: loader('unet_name', 'model'),
  VAELoader: { run: (inputs) => ({ outputs: [part('vae', text(inputs, 'vae_name'))] }) },
  UpscaleModelLoader: { run: (inputs) => ({ outputs: [part('upscale_model', text(inputs, 'model_name'))] }) },
  StyleModelLoader: { run: (inputs) => ({ outputs: [part('style_model', text(inputs, 'style_model_name'))] }) },
  GLIGENLoader: { run: (inputs) => ({ outputs: [part('gligen', text(inputs, 'gligen_name'))] }) },
  LoraLoaderModelOnly: { run: (inputs) => ({ outputs: [inputs['model']] }) },
  LoraLoader: { run: (inputs) => ({ outputs: [inputs['model'], inputs['clip']] }) },
  CLIPSetLastLayer: { run: (inputs) => ({ outputs: [inputs['clip']] }) },
  CLIPTextEncode: {
    run: (inputs) => ({ outputs: [{ kind: 'conditioning', text: text(inputs, 'text') } satisfies Conditioning] }),
  },
  EmptyLatentImage: {
    run: (inputs) => {
      const size = { width: whole(number(inputs, 'width')), height: whole(number(inputs, 'height')), batch: number(inputs, 'batch_size') };
      return { outputs: [{ kind: 'latent', ...size, picture: null, mask: null, prompt: '' } satisfies Latent] };
    },
  },
  VAEEncode: { run: (inputs) => ({ outputs: [encoded(inputs)] }) },
  VAEEncodeForInpaint: { run: (inputs) => ({ outputs: [{ ...encoded(inputs), mask: picture(inputs, 'mask') }] }) },
  SetLatentNoiseMask: { run: (inputs) => ({ outputs: [{ ...latent(inputs, 'samples'), mask: picture(inputs, 'mask') }] }) },
  LatentUpscale: {
    run: (inputs) => {
      const { width: oldWidth, height: oldHeight } = latent(inputs, 'samples');
      const [width, height] = [number(inputs, 'width'), number(inputs, 'height')];
      if (width === 0 && height === 0) return { outputs: [inputs['samples']] };
      return { outputs: [scaled(inputs, width || (oldWidth * height) / oldHeight, height || (oldHeight * width) / oldWidth)] };
    },
  },
  LatentUpscaleBy: {
    run: (inputs) => {
      const { width, height } = latent(inputs, 'samples');
      const factor = number(inputs, 'scale_by');
      return { outputs: [scaled(inputs, width * factor, height * factor)] };
    },
  },
  ControlNetLoader: { run: (inputs) => ({ outputs: [part('controlnet', text(inputs, 'control_net_name'))] }) },
  ControlNetApplyAdvanced: { run: (inputs) => ({ outputs: [inputs['positive'], inputs['negative']] }) },
  VAEDecode: { run: async (inputs, context) => ({ outputs: [await decode(inputs, context)] }) },
};
