import type { Graph, GraphNode } from './protocol.ts';
import type { InputFile } from './runner.ts';

/**
 * The graph as it goes to a container: file fields hold the names that the container gave to uploads, and every saving node writes
 * under the job's own prefix. So files of jobs never collide, and a repeated prompt saves anew instead of answering from the cache.
 * `uploads` are the files that it reads with their names on the container. The given graph stays as it is.
 */
export function prepareGraph(graph: Graph, prefix: string, uploads: readonly { file: InputFile; as: string }[]): Graph {
  const byName = new Map(uploads.flatMap(({ file, as }) => (file.fields ? [] : [[file.name, as]])));
  const byField = new Map(uploads.flatMap(({ file, as }) => (file.fields ?? []).map((place) => [JSON.stringify(place), as])));
  const saving = Object.values(graph).filter((node) => Object.hasOwn(node.inputs, 'filename_prefix')).length;
  const nodes = Object.entries(graph).map(([id, node]): [string, GraphNode] => {
    const changes: GraphNode['inputs'] = {};
    // Two nodes that save the same picture under the same name are one to ComfyUI's cache, and the second would give nothing.
    if (Object.hasOwn(node.inputs, 'filename_prefix'))
      changes['filename_prefix'] = saving > 1 ? `${prefix}_${id.replaceAll(/\W/g, '-')}` : prefix;
    for (const [field, value] of Object.entries(node.inputs)) {
      const name = byField.get(JSON.stringify([id, field])) ?? (typeof value === 'string' ? byName.get(value) : undefined);
      if (name !== undefined) changes[field] = name;
    }
    return [id, Object.keys(changes).length > 0 ? { ...node, inputs: { ...node.inputs, ...changes } } : node];
  });
  return Object.fromEntries(nodes);
}
