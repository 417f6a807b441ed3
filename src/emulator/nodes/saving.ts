import type { FileReference, Json } from '../../comfyui/protocol.ts';
import type { FolderType } from '../files.ts';
import type { Picture } from '../pixels/picture.ts';
import type { TextChunk } from '../png.ts';
import { jsonDumps } from '../../comfyui/python.ts';
import { picture, text } from './node.ts';
import type { NodeClass, NodeContext, NodeResult } from './node.ts';

/** What every saved picture says: the graph, the client's own entries, and that nothing here is real. */
export function textChunks({ metadata, profileName, settings, approximate }: NodeContext): TextChunk[] {
  const inexact = approximate.length === 0 ? '' : `; approximate: ${approximate.join(', ')}`;
  const graph = { key: 'prompt', text: jsonDumps(metadata.graph) };
  const extra = Object.entries(metadata.extra).map(([key, value]) => ({ key, text: jsonDumps(value) }));
  return [
    ...(settings.metadata ? [graph, ...extra] : []),
    { key: 'comfleet', text: `emulated container, profile ${profileName}${inexact}` },
  ];
}

/** Replaces the placeholders of a file name prefix. */
export function expand(prefix: string, images: Picture, now: number): string {
  if (!prefix.includes('%')) return prefix;
  const date = new Date(now);
  const two = (value: number): string => String(value).padStart(2, '0');
  const values: Record<string, string> = {
    width: String(images.width),
    height: String(images.height),
    year: String(date.getFullYear()),
    month: two(date.getMonth() + 1),
    day: two(date.getDate()),
    hour: two(date.getHours()),
    minute: two(date.getMinutes()),
    second: two(date.getSeconds()),
  };
  return prefix.replaceAll(/%(\w+)%/g, (mark, name: string) => values[name] ?? mark);
}

async function save(images: Picture, type: FolderType, prefix: string, context: NodeContext): Promise<NodeResult> {
  const pictures = await context.pixels.run('encode', images, textChunks(context));
  return saved(await context.files.save(type, expand(prefix, images, context.now()), pictures));
}

/** What a node shows of its files; of those that move it says so, or that they do not. */
export function saved(files: readonly FileReference[], animated?: boolean): NodeResult {
  const images = files as unknown as Json[];
  return { outputs: [], ui: animated === undefined ? { images } : { images, animated: [animated] } };
}

const letters = 'abcdefghijklmnopqrstupvxyz';
const temporaryName = (context: NodeContext): string =>
  `ComfyUI_temp_${Array.from({ length: 5 }, () => letters[context.random(letters.length)]).join('')}`;

/** SaveImageWebsocket is never cached: each run has a number of its own. */
let websocketRuns = 0;

export const savingNodes: Readonly<Record<string, NodeClass>> = {
  SaveImage: { run: (inputs, context) => save(picture(inputs, 'images'), 'output', text(inputs, 'filename_prefix'), context) },
  PreviewImage: { run: (inputs, context) => save(picture(inputs, 'images'), 'temp', temporaryName(context), context) },
  MaskPreview: {
    run: async (inputs, context) => {
      const images = await context.pixels.run('maskToImage', picture(inputs, 'mask'));
      return save(images, 'temp', temporaryName(context), context);
    },
  },
  SaveImageWebsocket: {
    changed: async () => String(websocketRuns++),
    run: async (inputs, context) => {
      const images = picture(inputs, 'images');
      const files = await context.pixels.run('encode', images, []);
      for (const [index, image] of files.entries()) context.progress(index, files.length, { format: 'png', image });
      return { outputs: [] };
    },
  },
};
