import type { Graph, GraphNode } from './protocol.ts';

/**
 * The graph as it goes to a container: file fields hold the names that the container gave to uploads, and every saving node writes
 * under the job's own prefix. So files of jobs never collide, and a repeated prompt saves anew instead of answering from the cache.
 * `names` maps names as the graph has them to names on the container. The given graph stays as it is.
 */
export function prepareGraph(graph: Graph, prefix: string, names: ReadonlyMap<string, string>): Graph {
  const saving = Object.values(graph).filter((node) => Object.hasOwn(node.inputs, 'filename_prefix')).length;
  const nodes = Object.entries(graph).map(([id, node]): [string, GraphNode] => {
    const changes: GraphNode['inputs'] = {};
    // Two nodes that save the same picture under the same name are one to ComfyUI's cache, and the second would give nothing.
    if (Object.hasOwn(node.inputs, 'filename_prefix'))
      changes['filename_prefix'] = saving > 1 ? `${prefix}_${id.replaceAll(/\W/g, '-')}` : prefix;
    for (const [field, value] of Object.entries(node.inputs)) {
      const name = typeof value === 'string' ? names.get(value) : undefined;
      if (name !== undefined) changes[field] = name;
    }
    return [id, Object.keys(changes).length > 0 ? { ...node, inputs: { ...node.inputs, ...changes } } : node];
  });
  return Object.fromEntries(nodes);
}
