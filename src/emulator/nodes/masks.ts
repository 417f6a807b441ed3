import type { MaskRule } from '../pixels/blends.ts';
import { number, picture, text } from './node.ts';
import type { NodeClass } from './node.ts';

export const maskNodes: Readonly<Record<string, NodeClass>> = {
  ImageColorToMask: {
    run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('colorToMask', picture(inputs, 'image'), number(inputs, 'color'))] }),
  },
  CropMask: {
    run: async (inputs, { pixels }) => {
      const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => number(inputs, name)) as [number, number, number, number];
      return { outputs: [await pixels.run('crop', picture(inputs, 'mask'), x, y, width, height)] };
    },
  },
  MaskComposite: {
    run: async (inputs, { pixels }) => {
      const [under, over] = [picture(inputs, 'destination'), picture(inputs, 'source')];
      const [x, y, rule] = [number(inputs, 'x'), number(inputs, 'y'), text(inputs, 'operation') as MaskRule];
      return { outputs: [await pixels.run('combineMasks', under, over, x, y, rule)] };
    },
  },
  GrowMask: {
    run: async (inputs, { pixels }) => ({
      outputs: [await pixels.run('growMask', picture(inputs, 'mask'), number(inputs, 'expand'), inputs['tapered_corners'] === true)],
    }),
  },
  ThresholdMask: {
    run: async (inputs, { pixels }) => ({ outputs: [await pixels.run('threshold', picture(inputs, 'mask'), number(inputs, 'value'))] }),
  },
  PorterDuffImageComposite: {
    approximate: true,
    run: async (inputs, { pixels }) => {
      const source = { image: picture(inputs, 'source'), mask: picture(inputs, 'source_alpha') };
      const destination = { image: picture(inputs, 'destination'), mask: picture(inputs, 'destination_alpha') };
      return { outputs: await pixels.run('porterDuff', source, destination, text(inputs, 'mode')) };
    },
  },
  SplitImageWithAlpha: { run: async (inputs, { pixels }) => ({ outputs: await pixels.run('splitAlpha', picture(inputs, 'image')) }) },
  JoinImageWithAlpha: {
    run: async (inputs, { pixels }) => ({
      outputs: [await pixels.run('joinAlpha', picture(inputs, 'image'), picture(inputs, 'alpha'))],
    }),
  },
};
