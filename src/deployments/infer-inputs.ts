import { byNumber } from '../comfyui/check-graph.ts';
import { definitionOf, fileKindOf, inputOf } from '../comfyui/definitions.ts';
import { isLink } from '../comfyui/graph.ts';
import type { Graph, GraphNode, Json, Link, NodeDefinitions } from '../comfyui/protocol.ts';
import type { InputTarget } from './workflow.ts';

/** An input by name, before its type and range are known. */
export interface InputDraft {
  readonly name: string;
  readonly targets: readonly InputTarget[];
  readonly random?: boolean;
}

/**
 * The inputs that a graph offers when none are declared:
 * - `prompt` and `negative_prompt`: the texts that lead to the first sampler's `positive` and `negative`; a graph without a sampler has
 *   its first text as `prompt`;
 * - `seed`: every constant `seed` or `noise_seed`, drawn at random unless given;
 * - `image`, `audio`, `video`: files that loaders read from the input folder;
 * - `width`, `height`, `batch_size` of empty latents, and `steps`, `cfg`, `guidance`, `denoise` wherever they are constants.
 * Where several nodes offer a name, the first by id has it plain, and the others with their id: `steps_12`.
 */
export function inferInputs(graph: Graph, definitions: NodeDefinitions | null): InputDraft[] {
  const ids = Object.keys(graph).sort(byNumber.compare);
  const drafts = [...promptInputs(graph, ids), ...seedInput(graph, ids)];
  const taken = new Set(drafts.map(({ name }) => name));
  for (const id of ids) {
    const node = graph[id] as GraphNode;
    for (const field of Object.keys(node.inputs)) {
      const name = offeredName(node, field, definitions);
      if (name === null) continue;
      const free = taken.has(name) ? `${name}_${id.replaceAll(/\W/g, '_')}` : name;
      taken.add(free);
      drafts.push({ name: free, targets: [{ node: id, field }] });
    }
  }
  return drafts;
}

const numberFields: ReadonlySet<string> = new Set(['steps', 'cfg', 'guidance', 'denoise']);
const sizeFields: ReadonlySet<string> = new Set(['width', 'height', 'batch_size']);

function offeredName(node: GraphNode, field: string, definitions: NodeDefinitions | null): string | null {
  const value = node.inputs[field];
  if (typeof value === 'number') {
    if (numberFields.has(field)) return field;
    return sizeFields.has(field) && /^Empty.*Latent/.test(node.class_type) ? field : null;
  }
  if (typeof value !== 'string') return null;
  const input = definitions ? inputOf(definitionOf(definitions, node.class_type), field) : undefined;
  const upload = fileKindOf(node, field, input)?.upload;
  if (upload === 'image') return 'image';
  if (upload !== 'file') return null;
  return /video/i.test(node.class_type + field) ? 'video' : /audio/i.test(node.class_type + field) ? 'audio' : 'file';
}

function seedInput(graph: Graph, ids: readonly string[]): InputDraft[] {
  const targets = ids.flatMap((node) =>
    ['seed', 'noise_seed'].filter((field) => isNumber(graph[node]?.inputs[field])).map((field) => ({ node, field })),
  );
  return targets.length > 0 ? [{ name: 'seed', targets, random: true }] : [];
}

const isNumber = (value: Json | undefined): boolean => typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));

function promptInputs(graph: Graph, ids: readonly string[]): InputDraft[] {
  const starts = (field: string): Link[] => ids.map((id) => graph[id]?.inputs[field]).filter(isLink);
  const sampler = ids.find((id) => isLink(graph[id]?.inputs['positive']) && isLink(graph[id]?.inputs['latent_image']));
  const inputs = sampler === undefined ? {} : (graph[sampler]?.inputs ?? {});
  const positive = firstText(graph, isLink(inputs['positive']) ? [inputs['positive']] : starts('conditioning'));
  const negative = firstText(graph, isLink(inputs['negative']) ? [inputs['negative']] : []);
  const prompt = positive.length > 0 ? positive : anyText(graph, ids);
  const drafts: InputDraft[] = prompt.length > 0 ? [{ name: 'prompt', targets: prompt }] : [];
  // Some models take no negative text: then both lead to the same node.
  const isOther = negative.length > 0 && !prompt.some(({ node }) => node === negative[0]?.node);
  return isOther ? [...drafts, { name: 'negative_prompt', targets: negative }] : drafts;
}

const encoderFields = ['text', 'prompt', 't5xxl', 'clip_l', 'clip_g', 'text_g', 'text_l'];
const primitiveFields = ['value', 'text', 'string'];

/** The text fields of the first node upstream that has some. */
function firstText(graph: Graph, from: readonly Link[]): InputTarget[] {
  const left = [...from];
  const seen = new Set<string>();
  for (let link = left.shift(); link; link = left.shift()) {
    const [id, slot] = link;
    if (seen.has(id)) continue;
    seen.add(id);
    const node = graph[id] as GraphNode;
    const targets = textsOf(graph, id, encoderFields);
    if (targets.length > 0) return targets;
    const { positive, negative } = node.inputs;
    // Nodes such as control nets pass both on: the first output is the positive one.
    if (isLink(positive) && isLink(negative)) left.push(slot === 0 ? positive : negative);
    else left.push(...Object.values(node.inputs).filter(isLink));
  }
  return [];
}

/** Text constants in these fields of a node, or in the node that such a field is linked to. */
function textsOf(graph: Graph, id: string, fields: readonly string[]): InputTarget[] {
  return fields.flatMap((field) => {
    const value = graph[id]?.inputs[field];
    if (typeof value === 'string') return [{ node: id, field }];
    if (!isLink(value)) return [];
    const source = primitiveFields.find((name) => typeof graph[value[0]]?.inputs[name] === 'string');
    return source === undefined ? [] : [{ node: value[0], field: source }];
  });
}

function anyText(graph: Graph, ids: readonly string[]): InputTarget[] {
  const encoder = ids.find((id) => /TextEncode/.test(graph[id]?.class_type ?? '') && textsOf(graph, id, encoderFields).length > 0);
  if (encoder !== undefined) return textsOf(graph, encoder, encoderFields);
  const primitive = ids.find((id) => graph[id]?.class_type.startsWith('PrimitiveString'));
  return primitive === undefined ? [] : textsOf(graph, primitive, primitiveFields);
}
