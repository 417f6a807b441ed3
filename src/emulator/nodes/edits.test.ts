import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmulatedWorld, save, textToImage } from '../../../test/protocol/emulated-world.ts';
import type { Entry, TestGraph } from '../../../test/protocol/emulated-world.ts';
import { usualModels } from '../definitions.ts';
import { readTextChunks } from '../png.ts';

let world: EmulatedWorld;
beforeEach(async () => {
  world = new EmulatedWorld();
  await world.start();
});
afterEach(() => world.close());

const node = (class_type: string, inputs: Record<string, unknown>): TestGraph[string] => ({ class_type, inputs });
const image = (width = 16, height = 12, batch_size = 1): TestGraph[string] =>
  node('EmptyImage', { width, height, batch_size, color: 0x336699 });

/** Width, height and number of the pictures that one node, put behind an image, makes. */
async function sizes(graph: TestGraph, output = 0): Promise<number[]> {
  const entry = await world.run({
    a: image(),
    ...graph,
    size: node('GetImageSize', { image: ['x', output] }),
    ...Object.fromEntries([0, 1, 2].map((slot) => [`shown${slot}`, node('PreviewAny', { source: ['size', slot] })])),
  });
  expect(entry.status, JSON.stringify(entry.status.messages.at(-1))).toMatchObject({ status_str: 'success' });
  return [0, 1, 2].map((slot) => Number(entry.outputs[`shown${slot}`]!.text![0]));
}

const a = ['a', 0];
test.each<[string, Record<string, unknown>, number[]]>([
  ['ImagePadForOutpaint', { image: a, left: 8, top: 0, right: 8, bottom: 16, feathering: 2 }, [32, 28, 1]],
  ['ImageQuantize', { image: a, colors: 8, dither: 'none' }, [16, 12, 1]],
  ['ImageSharpen', { image: a, sharpen_radius: 1, sigma: 1, alpha: 1 }, [16, 12, 1]],
  ['ImageScaleToTotalPixels', { image: a, upscale_method: 'bilinear', megapixels: 0.01 }, [118, 89, 1]],
  ['ImageScaleToMaxDimension', { image: a, upscale_method: 'area', largest_size: 32 }, [32, 24, 1]],
  ['Canny', { image: a, low_threshold: 0.4, high_threshold: 0.8 }, [16, 12, 1]],
  ['RepeatImageBatch', { image: a, amount: 3 }, [16, 12, 3]],
  ['ImageFromBatch', { image: a, batch_index: 0, length: 4 }, [16, 12, 1]],
  ['ImageAddNoise', { image: a, seed: 1, strength: 0.5 }, [16, 12, 1]],
  [
    'ImageStitch',
    { image1: a, direction: 'right', match_image_size: true, spacing_width: 3, spacing_color: 'red', image2: a },
    [36, 12, 1],
  ],
  ['ResizeAndPadImage', { image: a, target_width: 64, target_height: 64, padding_color: 'white', interpolation: 'area' }, [64, 64, 1]],
  ['ImageRotate', { image: a, rotation: '90 degrees' }, [12, 16, 1]],
  ['ImageFlip', { image: a, flip_method: 'x-axis: vertically' }, [16, 12, 1]],
  ['Morphology', { image: a, operation: 'gradient', kernel_size: 3 }, [16, 12, 1]],
  ['ImageRGBToYUV', { image: a }, [16, 12, 1]],
  ['ImageYUVToRGB', { Y: a, U: a, V: a }, [16, 12, 1]],
])('%s: the shape of what it makes', async (name, inputs, wanted) => {
  expect(await sizes({ x: node(name, inputs) })).toEqual(wanted);
});

test('nodes of masks and alpha work together', async () => {
  const layers = { source: ['split', 0], source_alpha: ['split', 1], destination: a, destination_alpha: ['sharp', 0] };
  const entry = await world.run({
    a: image(),
    mask: node('ImageColorToMask', { image: a, color: 0x336699 }),
    cut: node('CropMask', { mask: ['mask', 0], x: 0, y: 0, width: 8, height: 12 }),
    both: node('MaskComposite', { destination: ['mask', 0], source: ['cut', 0], x: 0, y: 0, operation: 'subtract' }),
    grown: node('GrowMask', { mask: ['both', 0], expand: 2, tapered_corners: true }),
    sharp: node('ThresholdMask', { mask: ['grown', 0], value: 0.5 }),
    joined: node('JoinImageWithAlpha', { image: a, alpha: ['sharp', 0] }),
    split: node('SplitImageWithAlpha', { image: ['joined', 0] }),
    duff: node('PorterDuffImageComposite', { ...layers, mode: 'SRC_OVER' }),
    seen: node('MaskPreview', { mask: ['sharp', 0] }),
    out: save('joined'),
    end: save('duff'),
  });
  expect(entry.status).toMatchObject({ status_str: 'success' });
  const { data, info } = await sharp(await world.view(entry, 'out'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(4);
  expect([5, 6, 15].map((x) => data[x * 4 + 3])).toEqual([255, 0, 0]);
});

test('a list makes the next node run once for each item, and its outputs come together', async () => {
  const entry = await world.run({
    a: image(16, 12, 5),
    list: node('RebatchImages', { images: a, batch_size: 2 }),
    out: save('list'),
    size: node('GetImageSize', { image: ['list', 0] }),
    shown: node('PreviewAny', { source: ['size', 2] }),
  });
  expect(entry.outputs['out']!.images!.map(({ filename }) => filename)).toEqual([1, 2, 3, 4, 5].map((n) => `x_0000${n}_.png`));
  expect(entry.outputs['shown']!.text).toEqual(['2', '2', '1']);
});

/** The bytes of what a saving node made of a batch of 3. */
async function made(graph: TestGraph): Promise<{ entry: Entry; bytes: Buffer }> {
  const entry = await world.run({ a: image(32, 16, 3), ...graph });
  const { filename, subfolder } = entry.outputs['x']!.images![0]!;
  const answer = await fetch(`${world.url}/view?filename=${filename}&subfolder=${subfolder}`);
  return { entry, bytes: Buffer.from(await answer.arrayBuffer()) };
}

test('a moving WebP', async () => {
  const { bytes } = await made({
    n: node('ImageAddNoise', { image: a, seed: 1, strength: 0.5 }),
    x: node('SaveAnimatedWEBP', { images: ['n', 0], filename_prefix: 'm', fps: 10, lossless: false, quality: 80, method: 'default' }),
  });
  expect(await sharp(bytes, { animated: true }).metadata()).toMatchObject({
    format: 'webp',
    pages: 3,
    pageHeight: 16,
    delay: [100, 100, 100],
  });
});

test('a moving PNG, which says what it is', async () => {
  const { bytes } = await made({ x: node('SaveAnimatedPNG', { images: a, filename_prefix: 'm', fps: 10, compress_level: 4 }) });
  const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  expect([...data.subarray(0, 3)]).toEqual([0x33, 0x66, 0x99]);
  expect(['acTL', 'fcTL', 'fdAT'].map((type) => bytes.toString('latin1').split(type).length - 1)).toEqual([1, 3, 2]);
  expect(readTextChunks(bytes).at(-1)!.text).toBe('emulated container, profile instant; approximate: SaveAnimatedPNG');
});

test('an MP4: each frame lies where its table says', async () => {
  const { entry, bytes } = await made({
    v: node('CreateVideo', { images: a, fps: 8 }),
    x: node('SaveVideo', { video: ['v', 0], filename_prefix: 'video/m', format: 'auto', codec: 'auto' }),
  });
  expect(entry.outputs['x']).toEqual({ images: [{ filename: 'm_00001_.mp4', subfolder: 'video', type: 'output' }], animated: [true] });
  expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
  const at = (type: string): number => bytes.indexOf(type, 0, 'latin1') + 4;
  const count = bytes.readUInt32BE(at('stsz') + 8);
  let place = bytes.readUInt32BE(at('stco') + 8);
  for (let i = 0; i < count; i++) {
    const size = bytes.readUInt32BE(at('stsz') + 12 + i * 4);
    expect(await sharp(bytes.subarray(place, place + size)).metadata()).toMatchObject({ format: 'jpeg', width: 32, height: 16 });
    place += size;
  }
  expect(count).toBe(3);
});

test('text is replaced as it is written', async () => {
  const entry = await world.run({
    t: node('StringReplace', { string: 'a.b.c', find: '.', replace: '$&' }),
    x: node('PreviewAny', { source: ['t', 0] }),
  });
  expect(entry.outputs['x']!.text).toEqual(['a$&b$&c']);
});

test('a ControlNet changes nothing but the way of the text', async () => {
  const graph = textToImage();
  const control = {
    strength: 1,
    start_percent: 0,
    end_percent: 1,
    positive: ['6', 0],
    negative: ['7', 0],
    control_net: ['c', 0],
    image: a,
  };
  const entry = await world.run({
    ...graph,
    a: image(),
    c: node('ControlNetLoader', { control_net_name: usualModels.controlnet![0] }),
    x: node('ControlNetApplyAdvanced', control),
    3: { ...graph['3']!, inputs: { ...graph['3']!.inputs, positive: ['x', 0], negative: ['x', 1] } },
  });
  expect(entry.status).toMatchObject({ status_str: 'success' });
});
