import type { PromptOutput } from '../comfyui/runner.ts';
import type { Fetcher } from './fetcher.ts';
import type { Output } from './job.ts';

/**
 * Fetches a prompt's outputs from its container into the assets, in the order of `nodes` (empty: as the container gave them). Returns
 * when every byte is safe. Errors: `container_lost`, also for a picture that was cut short, and the file system's when the disk is full.
 */
export async function collectOutputs(fetcher: Fetcher, outputs: readonly PromptOutput[], nodes: readonly string[]): Promise<Output[]> {
  const wanted = nodes.length === 0 ? outputs : nodes.flatMap((node) => outputs.filter((output) => output.node === node));
  // Previews that live in the temp folder are not results unless the workflow names their node.
  const kept = nodes.length === 0 && wanted.some(isSaved) ? wanted.filter(isSaved) : wanted;
  return Promise.all(kept.map((output, index) => collectOne(fetcher, output, index)));
}

const isSaved = (output: PromptOutput): boolean => output.file?.type !== 'temp';

async function collectOne(fetcher: Fetcher, output: PromptOutput, index: number): Promise<Output> {
  const { node } = output;
  if (!output.file) {
    const text = output.text ?? '';
    return {
      index,
      node,
      kind: 'text',
      mime: 'text/plain; charset=utf-8',
      filename: `${node}.txt`,
      bytes: Buffer.byteLength(text),
      asset: null,
      text,
    };
  }
  const { asset, mime, bytes } = await fetcher.fetch(output.file);
  return { index, node, kind: kindOf(mime), mime, filename: output.file.filename, bytes, asset };
}

function kindOf(mime: string): Output['kind'] {
  const group = mime.split('/')[0];
  return group === 'image' || group === 'video' || group === 'audio' || group === 'text' ? group : 'file';
}
