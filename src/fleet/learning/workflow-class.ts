import type { Graph } from '../../comfyui/protocol.ts';

/** Inputs of nodes that decide how long a job takes. */
const costly = new Set(['steps', 'width', 'height', 'batch_size', 'length', 'frames', 'upscale_by', 'scale_by', 'megapixels']);

/**
 * Jobs of the same class take about as long: the same nodes with the same steps, sizes and batches. What differs from job to job of one
 * workflow (prompts, seeds, file names) is left out.
 */
export function workflowClass(graph: Graph): string {
  let hash = fnvOffset;
  for (const { class_type, inputs } of Object.values(graph)) {
    hash = mix(hash, class_type);
    for (const [name, value] of Object.entries(inputs))
      if (typeof value === 'number' && costly.has(name)) hash = mix(hash, `${name}=${value}`);
  }
  return hash.toString(16);
}

/** The hash FNV-1a with 32 bits: two workflows that fall together only share an estimate. */
const fnvOffset = 0x811c9dc5;

function mix(hash: number, text: string): number {
  let mixed = hash;
  for (let n = 0; n < text.length; n++) mixed = Math.imul(mixed ^ text.charCodeAt(n), 0x01000193) >>> 0;
  return mixed;
}
