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

export const modelNodes: Readonly<Record<string, NodeClass>> = {
  CheckpointLoaderSimple: {
    run: async (inputs, context) => {
      const name = text(inputs, 'ckpt_name');
      const seconds = context.timing.load(name);
      if (seconds > 0) await context.waitUntil(context.now() + seconds * 1000);
      return { outputs: [part('model', name), part('clip', name), part('vae', name)] };
    },
  },
  VAELoader: { run: (inputs) => ({ outputs: [part('vae', text(inputs, 'vae_name'))] }) },
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
