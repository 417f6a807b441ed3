import { createHash } from 'node:crypto';
import { ComfleetError } from '../errors.ts';
import { parseExact } from '../exact-json.ts';
import type { Graph, GraphNode, Json, Link } from './protocol.ts';

export const maxNodes = 10_000;
const maxBytes = 10_000_000;
export const maxDepth = 64;

/**
 * The graph in the text of a file. Whole numbers that JavaScript cannot hold exactly, such as large seeds, become strings of digits,
 * which ComfyUI reads as numbers. Errors: `ui_workflow`, `invalid_graph`.
 */
export function parseGraph(text: string): Graph {
  if (Buffer.byteLength(text) > maxBytes) throw invalid(`The graph has more than ${maxBytes / 1e6} MB.`);
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    throw invalid(`The graph is no JSON: ${(error as Error).message}.`);
  }
  return readGraph(value);
}

/**
 * The graph in parsed JSON from a client or a file: its shape, links to nodes that exist, no cycle. Whether the nodes exist
 * somewhere is the business of `checkGraph`. Errors: `ui_workflow`, `invalid_graph`.
 */
export function readGraph(value: unknown): Graph {
  if (!isObject(value)) throw invalid(`A graph is an object {node id: {class_type, inputs}}, not ${nameOf(value)}.`);
  if (Array.isArray(value['nodes']) && Array.isArray(value['links'])) throw uiWorkflow(value['nodes']);
  const entries = Object.entries(value);
  if (entries.length === 0) throw invalid('The graph has no nodes.');
  if (entries.length > maxNodes) throw invalid(`The graph has ${entries.length} nodes; ${maxNodes} are allowed.`);
  if (isObject(value['prompt']) && !('class_type' in value['prompt'])) {
    throw invalid('This is a whole request to ComfyUI; the graph is what stands under its key "prompt".');
  }
  const graph = Object.fromEntries(entries.map(([id, node]) => [id, readNode(id, node)]));
  for (const [id, node] of Object.entries(graph)) checkLinks(graph, id, node);
  refuseCycle(graph);
  return graph;
}

function readNode(id: string, value: unknown): GraphNode {
  if (!isObject(value)) throw invalid(`Node ${id} is ${nameOf(value)} instead of {class_type, inputs}.`, id);
  const { class_type: classType, inputs, _meta: meta } = value;
  if (typeof classType !== 'string' || classType === '') throw invalid(`Node ${id} has no class_type.`, id, 'class_type');
  if (!isObject(inputs)) throw invalid(`Node ${id} (${classType}): inputs is ${nameOf(inputs)} instead of an object.`, id, 'inputs');
  for (const [field, input] of Object.entries(inputs)) {
    if (isTooDeep(input, maxDepth))
      throw invalid(`Node ${id} (${classType}): the value of ${field} is nested more than ${maxDepth} deep.`, id, field);
  }
  const title = isObject(meta) && typeof meta['title'] === 'string' ? { _meta: { title: meta['title'] } } : {};
  return { class_type: classType, inputs: inputs as Record<string, Json>, ...title };
}

function checkLinks(graph: Graph, id: string, node: GraphNode): void {
  for (const [field, value] of Object.entries(node.inputs)) {
    if (!Array.isArray(value)) continue;
    const where = `Node ${id} (${node.class_type}): ${field}`;
    if (!isLink(value))
      throw invalid(
        `${where} is a list, but no link [node id, output number]; a list as a value is written {"__value__": [...]}.`,
        id,
        field,
      );
    if (!Object.hasOwn(graph, value[0])) throw invalid(`${where} is linked to node ${value[0]}, which is not in the graph.`, id, field);
  }
}

/** Is this input a link to another node's output? */
export function isLink(value: Json | undefined): value is Link {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && Number.isInteger(value[1]) && Number(value[1]) >= 0;
}

/** Ids of the nodes that a node is linked to. */
export const sourcesOf = (node: GraphNode): string[] =>
  Object.values(node.inputs)
    .filter(isLink)
    .map(([id]) => id);

/** Depth first without recursion, since a chain may have thousands of nodes. */
function refuseCycle(graph: Graph): void {
  const finished = new Set<string>();
  for (const start of Object.keys(graph)) {
    const path: { id: string; left: string[] }[] = [];
    const onPath = new Set<string>();
    const enter = (id: string): void => {
      path.push({ id, left: sourcesOf(graph[id] as GraphNode) });
      onPath.add(id);
    };
    if (!finished.has(start)) enter(start);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.left.pop();
      if (next === undefined) {
        finished.add(top.id);
        onPath.delete(top.id);
        path.pop();
      } else if (onPath.has(next)) {
        const cycle = [...path.slice(path.findIndex(({ id }) => id === next)).map(({ id }) => id), next];
        throw invalid(`The nodes ${cycle.join(' <- ')} form a cycle.`, next);
      } else if (!finished.has(next)) enter(next);
    }
  }
}

/** Hex SHA-256 of the graph; the order of keys makes no difference, and neither do titles. */
export function hashGraph(graph: Graph): string {
  return hashJson(Object.fromEntries(Object.entries(graph).map(([id, { class_type, inputs }]) => [id, { class_type, inputs }])));
}

/** Hex SHA-256 of the canonical JSON of a value: keys in order. Undefined values count as absent. */
export function hashJson(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex');
}

const sortKeys = (_key: string, value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export const isTooDeep = (value: unknown, left: number): boolean =>
  typeof value === 'object' && value !== null && (left === 0 || Object.values(value).some((inner) => isTooDeep(inner, left - 1)));

function nameOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  return value === null ? 'null' : `a ${typeof value}`;
}

const invalid = (message: string, node?: string, field?: string): ComfleetError =>
  new ComfleetError('invalid_graph', message, { ...(node === undefined ? {} : { node }), ...(field === undefined ? {} : { field }) });

function uiWorkflow(nodes: unknown[]): ComfleetError {
  const types = [...new Set(nodes.map((node) => (isObject(node) ? String(node['type']) : '?')))];
  const shown = types.slice(0, 8).join(', ') + (types.length > 8 ? ` and ${types.length - 8} more` : '');
  return new ComfleetError(
    'ui_workflow',
    `This is a workflow in the format of ComfyUI's page (${nodes.length} nodes: ${shown || 'none'}), which cannot be run as it is. Open it in ComfyUI, choose Workflow > Export (API), and use that file.`,
    { nodes: types },
  );
}
