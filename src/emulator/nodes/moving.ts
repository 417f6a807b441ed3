import { encodeAnimatedWebp, encodeJpeg } from '../pixels/codec.ts';
import { pick } from '../pixels/picture.ts';
import type { Picture } from '../pixels/picture.ts';
import { encodeMp4 } from '../mp4.ts';
import { number, picture, text } from './node.ts';
import type { NodeClass } from './node.ts';
import { expand, saved, textChunks } from './saving.ts';

/** A video of the emulator: its frames, and how fast they go. */
interface Video {
  readonly kind: 'video';
  readonly images: Picture;
  readonly fps: number;
}

/** Pictures that move. Their files are valid; what encoders and containers they have is not ComfyUI's. */
export const movingNodes: Readonly<Record<string, NodeClass>> = {
  SaveAnimatedWEBP: {
    approximate: true,
    run: async (inputs, context) => {
      const images = picture(inputs, 'images');
      const quality = { lossless: inputs['lossless'] === true, quality: Math.max(1, number(inputs, 'quality')) };
      const frames = await context.pixels.run('frames', images);
      const file = await encodeAnimatedWebp(frames, images, { ...quality, delay: Math.trunc(1000 / number(inputs, 'fps')) });
      const files = await context.files.save('output', expand(text(inputs, 'filename_prefix'), images, context.now()), [file], 'webp');
      return saved(files, images.batch !== 1);
    },
  },
  SaveAnimatedPNG: {
    approximate: true,
    run: async (inputs, context) => {
      const images = picture(inputs, 'images');
      const file = await context.pixels.run('encodeAnimation', images, textChunks(context), Math.trunc(1000 / number(inputs, 'fps')));
      const files = await context.files.save('output', expand(text(inputs, 'filename_prefix'), images, context.now()), [file]);
      return saved(files, true);
    },
  },
  CreateVideo: {
    run: (inputs) => ({ outputs: [{ kind: 'video', images: picture(inputs, 'images'), fps: number(inputs, 'fps') } satisfies Video] }),
  },
  SaveVideo: {
    approximate: true,
    run: async (inputs, context) => {
      const { images, fps } = inputs['video'] as Video;
      const all: Picture = { ...images, channels: 3, data: await context.pixels.run('frames', images) };
      const frames: Buffer[] = [];
      for (let index = 0; index < images.batch; index++) frames.push(await encodeJpeg(pick(all, index), 90));
      const note = textChunks(context).map(({ key, text: content }) => `${key}: ${content}`);
      const file = encodeMp4({ frames, width: images.width, height: images.height, fps, note: note.join('\n') });
      const files = await context.files.save('output', expand(text(inputs, 'filename_prefix'), images, context.now()), [file], 'mp4');
      return saved(files, true);
    },
  },
};
