import { encodeJpeg } from '../pixels/codec.ts';
import type { Drawing } from '../pixels/draw.ts';
import { PythonError } from '../../comfyui/python.ts';
import { latent, number } from './node.ts';
import type { Conditioning, Inputs, NodeClass, NodeContext, NodeResult, PreviewImage } from './node.ts';

interface Sampling {
  readonly seed: number;
  readonly steps: number;
  /** How much of the latent's picture is replaced: 0 to 1. */
  readonly strength: number;
}

/** Previews are drawn small, and are few: many containers share this machine. */
const previewSide = 128;
const previewsPerRun = 8;

async function preview(drawing: Drawing, done: number, { pixels, settings }: NodeContext): Promise<PreviewImage> {
  const { width, height } = drawing.size;
  const scale = Math.min(1, previewSide / Math.max(width, height));
  const size = { width: Math.max(8, Math.round(width * scale)), height: Math.max(8, Math.round(height * scale)), batch: 1 };
  const base = drawing.base ?? (await pixels.run('solidImage', size, 0x202024));
  const small = await pixels.run('draw', { ...drawing, size, base, strength: drawing.strength * done });
  return { format: 'jpeg', image: await encodeJpeg(small, 95, settings.previewSize) };
}

/** Takes the profile's time, step by step, and draws. */
async function run(inputs: Inputs, context: NodeContext, { seed, steps, strength }: Sampling): Promise<NodeResult> {
  const source = latent(inputs, 'latent_image');
  if (context.takeOutOfMemory()) {
    throw new PythonError('torch.OutOfMemoryError', 'Allocation on device \nThe GPU has no memory left (an injected fault).\n');
  }
  const { text: prompt } = inputs['positive'] as Conditioning;
  const { width, height, batch, mask } = source;
  const drawing: Drawing = { prompt, seed, size: { width, height, batch }, base: source.picture, mask, strength };
  const begun = context.now();
  const duration = context.timing.sampling(steps, batch) * 1000;
  const everyPreview = Math.ceil(steps / previewsPerRun);
  for (let step = 1; step <= steps; step++) {
    if (duration > 0) await context.waitUntil(begun + (duration * step) / steps);
    const shows = duration > 0 && context.wantsPreviews && step % everyPreview === 0;
    context.progress(step, steps, shows ? await preview(drawing, step / steps, context) : undefined);
  }
  return { outputs: [{ ...source, picture: await context.pixels.run('draw', drawing), prompt }] };
}

export const samplingNodes: Readonly<Record<string, NodeClass>> = {
  KSampler: {
    run: (inputs, context) => {
      const [seed, steps, strength] = [number(inputs, 'seed'), number(inputs, 'steps'), number(inputs, 'denoise')];
      return run(inputs, context, { seed, steps, strength });
    },
  },
  KSamplerAdvanced: {
    run: (inputs, context) => {
      const all = number(inputs, 'steps');
      const first = Math.min(number(inputs, 'start_at_step'), all);
      const last = Math.min(number(inputs, 'end_at_step'), all);
      const strength = inputs['add_noise'] === 'disable' ? 0.5 : (all - first) / all;
      return run(inputs, context, { seed: number(inputs, 'noise_seed'), steps: Math.max(0, last - first), strength });
    },
  },
};
