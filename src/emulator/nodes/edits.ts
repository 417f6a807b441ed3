import { PythonError } from '../../comfyui/python.ts';
import { number, optionalPicture, picture, text } from './node.ts';
import type { Inputs, NodeClass, NodeContext } from './node.ts';
import type { Picture } from '../pixels/picture.ts';
import type { ResampleMethod } from '../pixels/resample.ts';

type Four = [number, number, number, number];
const colors: Readonly<Record<string, readonly number[]>> = {
  white: [1, 1, 1],
  black: [0, 0, 0],
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};
const gray = [0.5, 0.5, 0.5];

async function scaled(inputs: Inputs, { pixels }: NodeContext, width: number, height: number): Promise<Picture> {
  const method = text(inputs, 'upscale_method') as ResampleMethod;
  return pixels.run('resample', picture(inputs, 'image'), Math.round(width), Math.round(height), method, false);
}

/** The picture as large as fits, in the middle of a canvas. */
async function resizeAndPad(inputs: Inputs, { pixels }: NodeContext): Promise<Picture> {
  const image = picture(inputs, 'image');
  const [width, height] = [number(inputs, 'target_width'), number(inputs, 'target_height')];
  const scale = Math.min(width / image.width, height / image.height);
  const [newWidth, newHeight] = [Math.trunc(image.width * scale), Math.trunc(image.height * scale)];
  const small = await pixels.run('resample', image, newWidth, newHeight, text(inputs, 'interpolation') as ResampleMethod, false);
  const [left, top] = [Math.floor((width - newWidth) / 2), Math.floor((height - newHeight) / 2)];
  return pixels.run('pad', small, width, height, left, top, colors[text(inputs, 'padding_color')] ?? gray);
}

export const editNodes: Readonly<Record<string, NodeClass>> = {
  ImagePadForOutpaint: {
    run: async (inputs, { pixels }) => {
      const image = picture(inputs, 'image');
      const edges = ['left', 'top', 'right', 'bottom'].map((name) => number(inputs, name)) as Four;
      const [left, top, right, bottom] = edges;
      const [width, height] = [image.width + left + right, image.height + top + bottom];
      const canvas = await pixels.run('pad', image, width, height, left, top, gray);
      return { outputs: [canvas, await pixels.run('outpaintMask', image, edges, number(inputs, 'feathering'))] };
    },
  },
  ImageQuantize: {
    approximate: true,
    run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('quantize', picture(inputs, 'image'), number(inputs, 'colors'))] }),
  },
  ImageSharpen: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [radius, sigma, alpha] = ['sharpen_radius', 'sigma', 'alpha'].map((name) => number(inputs, name)) as [number, number, number];
      return { outputs: [await pixels.run('sharpen', picture(inputs, 'image'), radius, sigma, alpha)] };
    },
  },
  ImageScaleToTotalPixels: {
    approximate: true,
    run: async (inputs, context) => {
      const { width, height } = picture(inputs, 'image');
      const scale = Math.sqrt((number(inputs, 'megapixels') * 1024 * 1024) / (width * height));
      return { outputs: [await scaled(inputs, context, width * scale, height * scale)] };
    },
  },
  ImageScaleToMaxDimension: {
    approximate: true,
    run: async (inputs, context) => {
      const { width, height } = picture(inputs, 'image');
      const scale = number(inputs, 'largest_size') / Math.max(width, height);
      return { outputs: [await scaled(inputs, context, width * scale, height * scale)] };
    },
  },
  RebatchImages: {
    takesLists: true,
    run: async ({ images, batch_size: size }, { pixels }) => ({
      outputs: [await pixels.run('rebatch', images as Picture[], Number((size as number[])[0]))],
    }),
  },
  Canny: {
    approximate: true,
    run: async (inputs, { pixels }) => ({
      outputs: [await pixels.run('edges', picture(inputs, 'image'), number(inputs, 'low_threshold'))],
    }),
  },
  RepeatImageBatch: {
    run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('repeat', picture(inputs, 'image'), number(inputs, 'amount'))] }),
  },
  ImageFromBatch: {
    run: async (inputs, { pixels }) => {
      const [from, length] = [number(inputs, 'batch_index'), number(inputs, 'length')];
      return { outputs: [await pixels.run('slice', picture(inputs, 'image'), from, length)] };
    },
  },
  ImageAddNoise: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [seed, strength] = [number(inputs, 'seed'), number(inputs, 'strength')];
      return { outputs: [await pixels.run('addNoise', picture(inputs, 'image'), seed, strength)] };
    },
  },
  ImageStitch: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [first, second] = [picture(inputs, 'image1'), optionalPicture(inputs, 'image2')];
      if (!second) return { outputs: [first] };
      const gap = { size: number(inputs, 'spacing_width'), color: colors[text(inputs, 'spacing_color')] ?? gray };
      const match = inputs['match_image_size'] === true;
      return { outputs: [await pixels.run('stitch', first, second, text(inputs, 'direction'), match, gap)] };
    },
  },
  ResizeAndPadImage: { approximate: true, run: async (inputs, context) => ({ outputs: [await resizeAndPad(inputs, context)] }) },
  ImageRotate: {
    run: async (inputs, { pixels }) => {
      const quarters = ['none', '90 degrees', '180 degrees', '270 degrees'].indexOf(text(inputs, 'rotation'));
      return { outputs: [await pixels.run('rotate', picture(inputs, 'image'), quarters)] };
    },
  },
  ImageFlip: {
    run: async (inputs, { pixels }) => ({
      outputs: [await pixels.run('flip', picture(inputs, 'image'), text(inputs, 'flip_method').startsWith('x'))],
    }),
  },
  Morphology: {
    approximate: true,
    run: async (inputs, { pixels }) => ({
      outputs: [await pixels.run('morph', picture(inputs, 'image'), text(inputs, 'operation'), number(inputs, 'kernel_size'))],
    }),
  },
  ImageRGBToYUV: {
    approximate: true,
    run: async (inputs, { pixels }) => ({ outputs: await pixels.run('toYuv', picture(inputs, 'image')) }),
  },
  ImageYUVToRGB: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [y, u, v] = ['Y', 'U', 'V'].map((name) => picture(inputs, name)) as [Picture, Picture, Picture];
      if (u.width !== y.width || u.height !== y.height)
        throw new PythonError('RuntimeError', 'Sizes of tensors must match except in dimension 3.');
      return { outputs: [await pixels.run('fromYuv', y, u, v)] };
    },
  },
};
