import { createHash } from 'node:crypto';
import { decodePicture } from '../pixels/codec.ts';
import type { BlendMode } from '../pixels/operations.ts';
import { isPicture } from '../pixels/picture.ts';
import type { Picture } from '../pixels/picture.ts';
import type { ResampleMethod } from '../pixels/resample.ts';
import { PythonError, str } from '../../comfyui/python.ts';
import type { Files } from '../files.ts';
import { number, optionalPicture, picture, text } from './node.ts';
import type { Inputs, NodeClass, NodeContext } from './node.ts';

const method = (inputs: Inputs): ResampleMethod => text(inputs, 'upscale_method') as ResampleMethod;

async function loadFile(inputs: Inputs, { files }: NodeContext): Promise<Picture> {
  const file = files.named(inputs['image']);
  if (!file) throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${str(inputs['image'])}'`);
  const content = await files.read(file);
  try {
    return await decodePicture(content);
  } catch {
    // sharp says why in its own words; a client expects Pillow's.
    throw new PythonError('PIL.UnidentifiedImageError', `cannot identify image file '${file.path}'`);
  }
}

/** The hash of the file: other bytes under the same name run again. */
async function fileHash(inputs: Inputs, files: Files): Promise<string> {
  const file = files.named(inputs['image']);
  return file
    ? createHash('sha256')
        .update(await files.read(file))
        .digest('hex')
    : 'missing';
}

const maskChannels: Readonly<Record<string, number>> = { red: 0, green: 1, blue: 2, alpha: 3 };

export const imageNodes: Readonly<Record<string, NodeClass>> = {
  EmptyImage: {
    run: async (inputs, { pixels }) => {
      const size = { width: number(inputs, 'width'), height: number(inputs, 'height'), batch: number(inputs, 'batch_size') };
      return { outputs: [await pixels.run('solidImage', size, number(inputs, 'color'))] };
    },
  },
  LoadImage: {
    fileInputs: ['image'],
    changed: fileHash,
    run: async (inputs, context) => ({ outputs: await context.pixels.run('split', await loadFile(inputs, context)) }),
  },
  LoadImageOutput: {
    fileInputs: ['image'],
    changed: fileHash,
    run: async (inputs, context) => ({ outputs: await context.pixels.run('split', await loadFile(inputs, context)) }),
  },
  LoadImageMask: {
    fileInputs: ['image'],
    changed: fileHash,
    run: async (inputs, context) => {
      const file = await loadFile(inputs, context);
      const channel = text(inputs, 'channel');
      if (channel === 'alpha') return { outputs: [(await context.pixels.run('split', file))[1]] };
      const [image] = await context.pixels.run('split', file);
      return { outputs: [await context.pixels.run('imageToMask', image, maskChannels[channel] ?? 0)] };
    },
  },
  ImageInvert: {
    run: async (inputs, { pixels }) => {
      if (!isPicture(inputs['image'])) throw new PythonError('TypeError', "unsupported operand type(s) for -: 'float' and 'str'");
      return { outputs: [await pixels.run('invert', inputs['image'])] };
    },
  },
  ImageScale: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [width, height, cut] = [number(inputs, 'width'), number(inputs, 'height'), inputs['crop'] === 'center'];
      return { outputs: [await pixels.run('resample', picture(inputs, 'image'), width, height, method(inputs), cut)] };
    },
  },
  ImageScaleBy: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const image = picture(inputs, 'image');
      const [width, height] = [image.width, image.height].map((side) => Math.round(side * number(inputs, 'scale_by'))) as [number, number];
      return { outputs: [await pixels.run('resample', image, width, height, method(inputs), false)] };
    },
  },
  ImageCrop: {
    run: async (inputs, { pixels }) => {
      const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => number(inputs, name)) as [number, number, number, number];
      return { outputs: [await pixels.run('crop', picture(inputs, 'image'), x, y, width, height)] };
    },
  },
  ImageBatch: {
    run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('join', picture(inputs, 'image1'), picture(inputs, 'image2'))] }),
  },
  ImageBlur: {
    approximate: true,
    run: async (inputs, { pixels }) => ({
      outputs: [await pixels.run('blur', picture(inputs, 'image'), number(inputs, 'blur_radius'), number(inputs, 'sigma'))],
    }),
  },
  ImageBlend: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [first, second] = [picture(inputs, 'image1'), picture(inputs, 'image2')];
      const mode = text(inputs, 'blend_mode') as BlendMode;
      return { outputs: [await pixels.run('blend', first, second, number(inputs, 'blend_factor'), mode)] };
    },
  },
  ImageCompositeMasked: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const [under, over] = [picture(inputs, 'destination'), picture(inputs, 'source')];
      const place = { x: number(inputs, 'x'), y: number(inputs, 'y'), resize: inputs['resize_source'] === true };
      return { outputs: [await pixels.run('composite', under, over, optionalPicture(inputs, 'mask'), place)] };
    },
  },
  GetImageSize: {
    run: (inputs, context) => {
      const { width, height, batch } = picture(inputs, 'image');
      context.sendText(`width: ${width}, height: ${height}\n batch size: ${batch}`);
      return { outputs: [width, height, batch] };
    },
  },
  MaskToImage: { run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('maskToImage', picture(inputs, 'mask'))] }) },
  ImageToMask: {
    run: async (inputs, { pixels }) => {
      const image = picture(inputs, 'image');
      const channel = maskChannels[text(inputs, 'channel')] ?? 0;
      if (channel >= image.channels) {
        const message = `index ${channel} is out of bounds for dimension 3 with size ${image.channels}`;
        throw new PythonError('IndexError', message);
      }
      return { outputs: [await pixels.run('imageToMask', image, channel)] };
    },
  },
  SolidMask: {
    run: async (inputs, { pixels }) => {
      const size = { width: number(inputs, 'width'), height: number(inputs, 'height'), batch: 1 };
      return { outputs: [await pixels.run('solidMask', size, number(inputs, 'value'))] };
    },
  },
  InvertMask: { run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('invert', picture(inputs, 'mask'))] }) },
  FeatherMask: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const edges = ['left', 'top', 'right', 'bottom'].map((name) => number(inputs, name)) as [number, number, number, number];
      return { outputs: [await pixels.run('feather', picture(inputs, 'mask'), ...edges)] };
    },
  },
};
