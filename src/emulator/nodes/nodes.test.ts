import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmulatedWorld, save, textToImage } from '../../../test/protocol/emulated-world.ts';
import type { TestGraph } from '../../../test/protocol/emulated-world.ts';
import { definitionsFor, usualModels } from '../definitions.ts';
import { nodeClasses } from './registry.ts';

let world: EmulatedWorld;
beforeEach(() => {
  world = new EmulatedWorld();
});
afterEach(() => world.close());

describe('nodes', () => {
  test('what is defined can run, and what can run is defined', () => {
    expect(Object.keys(definitionsFor(usualModels)).sort()).toEqual(Object.keys(nodeClasses).sort());
  });

  test('every image and mask node works in a graph', async () => {
    await world.start();
    await world.upload(
      'in.png',
      await sharp({ create: { width: 20, height: 10, channels: 4, background: '#33669980' } })
        .png()
        .toBuffer(),
    );
    const scale = { upscale_method: 'lanczos', crop: 'center' };
    const graph: TestGraph = {
      load: { class_type: 'LoadImage', inputs: { image: 'in.png' } },
      red: { class_type: 'LoadImageMask', inputs: { image: 'in.png', channel: 'red' } },
      scaled: { class_type: 'ImageScale', inputs: { image: ['load', 0], width: 30, height: 0, ...scale } },
      by: { class_type: 'ImageScaleBy', inputs: { image: ['scaled', 0], scale_by: 2, upscale_method: 'area' } },
      crop: { class_type: 'ImageCrop', inputs: { image: ['by', 0], x: 1, y: 1, width: 16, height: 12 } },
      blur: { class_type: 'ImageBlur', inputs: { image: ['crop', 0], blur_radius: 2, sigma: 1 } },
      blend: { class_type: 'ImageBlend', inputs: { image1: ['blur', 0], image2: ['load', 0], blend_factor: 0.5, blend_mode: 'overlay' } },
      solid: { class_type: 'SolidMask', inputs: { value: 0.5, width: 16, height: 12 } },
      inverse: { class_type: 'InvertMask', inputs: { mask: ['solid', 0] } },
      feather: { class_type: 'FeatherMask', inputs: { mask: ['inverse', 0], left: 2, top: 2, right: 2, bottom: 2 } },
      composite: {
        class_type: 'ImageCompositeMasked',
        inputs: { destination: ['blend', 0], source: ['load', 0], x: 2, y: 2, resize_source: true, mask: ['feather', 0] },
      },
      channel: { class_type: 'ImageToMask', inputs: { image: ['composite', 0], channel: 'green' } },
      shown: { class_type: 'MaskToImage', inputs: { mask: ['channel', 0] } },
      batch: { class_type: 'ImageBatch', inputs: { image1: ['shown', 0], image2: ['composite', 0] } },
      size: { class_type: 'GetImageSize', inputs: { image: ['batch', 0] } },
      width: { class_type: 'PreviewAny', inputs: { source: ['size', 0] } },
      mask: { class_type: 'MaskPreview', inputs: { mask: ['red', 0] } },
      out: save('batch'),
    };
    const entry = await world.run(graph);
    expect(entry.status).toMatchObject({ status_str: 'success' });
    expect(entry.outputs['out']!.images).toHaveLength(2);
    expect(entry.outputs['width']).toEqual({ text: ['16'] });
    const red = await sharp(await world.view(entry, 'mask'))
      .raw()
      .toBuffer();
    expect(red[0]).toBe(0x33);
  });

  test('what is saved or shown has true colours, however few there are', async () => {
    await world.start();
    const gray = sharp({ create: { width: 20, height: 10, channels: 3, background: '#808080' } }).toColourspace('b-w');
    await world.upload('gray.png', await gray.png({ palette: true }).toBuffer());
    const images = (from: string, more: object = {}): TestGraph[string]['inputs'] => ({ images: [from, 0], filename_prefix: 'x', ...more });
    const entry = await world.run({
      empty: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 1 } },
      inverse: { class_type: 'ImageInvert', inputs: { image: ['empty', 0] } },
      load: { class_type: 'LoadImage', inputs: { image: 'gray.png' } },
      mask: { class_type: 'MaskToImage', inputs: { mask: ['load', 1] } },
      saved: { class_type: 'SaveImage', inputs: images('inverse') },
      kept: { class_type: 'SaveImage', inputs: images('load') },
      shown: { class_type: 'PreviewImage', inputs: { images: ['mask', 0] } },
      masked: { class_type: 'MaskPreview', inputs: { mask: ['load', 1] } },
      moving: { class_type: 'SaveAnimatedPNG', inputs: images('inverse', { fps: 6, compress_level: 4 }) },
    });
    for (const node of ['saved', 'kept', 'shown', 'masked', 'moving']) {
      expect([...(await world.view(entry, node)).subarray(24, 26)], node).toEqual([8, 2]);
    }
  });

  test('texts, primitives and latents', async () => {
    const links = { model: ['lora', 0], positive: ['words', 0], negative: ['7', 0], latent_image: ['up', 0] };
    const sampling = { ...links, noise_seed: 7, steps: 10, cfg: 7, sampler_name: 'euler', scheduler: 'normal' };
    await world.start();
    const entry = await world.run({
      ...textToImage(),
      text: { class_type: 'PrimitiveStringMultiline', inputs: { value: 'a' } },
      joined: { class_type: 'StringConcatenate', inputs: { string_a: ['text', 0], string_b: 'b', delimiter: '-' } },
      shown: { class_type: 'PreviewAny', inputs: { source: ['joined', 0] } },
      flag: { class_type: 'PrimitiveBoolean', inputs: { value: true } },
      flagShown: { class_type: 'PreviewAny', inputs: { source: ['flag', 0] } },
      lora: {
        class_type: 'LoraLoader',
        inputs: { model: ['4', 0], clip: ['4', 1], lora_name: 'style.safetensors', strength_model: 1, strength_clip: 1 },
      },
      last: { class_type: 'CLIPSetLastLayer', inputs: { clip: ['lora', 1], stop_at_clip_layer: -2 } },
      words: { class_type: 'CLIPTextEncode', inputs: { text: ['joined', 0], clip: ['last', 0] } },
      up: { class_type: 'LatentUpscaleBy', inputs: { samples: ['3', 0], upscale_method: 'bilinear', scale_by: 1.5 } },
      advanced: {
        class_type: 'KSamplerAdvanced',
        inputs: { ...sampling, add_noise: 'enable', start_at_step: 5, end_at_step: 10000, return_with_leftover_noise: 'disable' },
      },
      again: {
        class_type: 'LatentUpscale',
        inputs: { samples: ['advanced', 0], upscale_method: 'bilinear', width: 128, height: 0, crop: 'disabled' },
      },
      vae: { class_type: 'VAELoader', inputs: { vae_name: 'pixel_space' } },
      decoded: { class_type: 'VAEDecode', inputs: { samples: ['again', 0], vae: ['vae', 0] } },
      out: save('decoded'),
    });
    expect(entry.status).toMatchObject({ status_str: 'success' });
    expect([entry.outputs['shown'], entry.outputs['flagShown']]).toEqual([{ text: ['a-b'] }, { text: ['True'] }]);
    expect(await sharp(await world.view(entry, 'out')).metadata()).toMatchObject({ width: 128, height: 128 });
  });

  test('the prompt is drawn into a background, only where the mask is', async () => {
    await world.start();
    await world.upload(
      'background.png',
      await sharp({ create: { width: 200, height: 120, channels: 3, background: '#336699' } })
        .png()
        .toBuffer(),
    );
    const graph = textToImage();
    const entry = await world.run({
      ...graph,
      3: { ...graph['3']!, inputs: { ...graph['3']!.inputs, latent_image: ['masked', 0] } },
      load: { class_type: 'LoadImage', inputs: { image: 'background.png' } },
      encoded: { class_type: 'VAEEncode', inputs: { pixels: ['load', 0], vae: ['4', 2] } },
      inner: { class_type: 'SolidMask', inputs: { value: 1, width: 200, height: 120 } },
      faded: { class_type: 'FeatherMask', inputs: { mask: ['inner', 0], left: 200, top: 0, right: 0, bottom: 0 } },
      masked: { class_type: 'SetLatentNoiseMask', inputs: { samples: ['encoded', 0], mask: ['faded', 0] } },
    });
    const { data, info } = await sharp(await world.view(entry, '9'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 200, height: 120 });
    const distance = (x: number): number =>
      [0x33, 0x66, 0x99].reduce((sum, value, c) => sum + Math.abs(data[(60 * 200 + x) * 3 + c]! - value), 0);
    expect(distance(0)).toBeLessThan(8);
    expect(distance(190)).toBeGreaterThan(30);
  });
});
