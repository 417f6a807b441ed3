import { outputNodes, modelKey } from '../comfyui/check-graph.ts';
import type { Graph, GraphNode, Json, NodeDefinitions } from '../comfyui/protocol.ts';
import type { InputFile } from '../comfyui/runner.ts';
import { unsafeFileStrings } from '../comfyui/unsafe-strings.ts';
import { closest } from '../config/closest.ts';
import { ComfleetError } from '../errors.ts';
import type { Random } from '../fleet/clock.ts';
import { checkValue } from './check-value.ts';
import type { Workflow, WorkflowInput } from './workflow.ts';

/** A complete graph and what goes with it. */
export interface BoundWorkflow {
  /** Inputs as they were resolved, the drawn seed included; null for a client's own graph. */
  readonly inputs: Readonly<Record<string, Json>> | null;
  readonly graph: Graph;
  readonly files: readonly InputFile[];
  readonly outputNodes: readonly string[];
  readonly modelKey: string;
}

/** Stores a file that a client gave as text: an http(s) URL, a data URL, base64, or the asset of an upload. */
export type StageText = (source: string) => Promise<{ readonly asset: string; readonly name: string; readonly mime: string }>;

export interface BindTools {
  readonly random: Random;
  readonly stageFile: StageText;
  readonly definitions: NodeDefinitions | null;
}

/** Values by input, and which of them are files that are still to be stored. */
interface Resolved {
  readonly values: ReadonlyMap<string, Json>;
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Puts a caller's named inputs into the workflow's graph. Images and files are taken as `"https://..."`, `"data:...;base64,..."`, base64,
 * the asset of an upload, or `{"url"}`, `{"asset"}`, `{"data"}`. Errors: `invalid_input`, which names every wrong input; those of `stageFile`.
 */
export async function bindInputs(workflow: Workflow, given: Readonly<Record<string, unknown>>, tools: BindTools): Promise<BoundWorkflow> {
  const { values, sources } = resolveInputs(workflow, given, tools.random);
  const staged = await Promise.all(
    workflow.inputs
      .filter(({ name }) => sources.has(name))
      .map((input) => stage(input, sources.get(input.name) as string, tools.stageFile)),
  );
  const names = new Map(staged.map(({ input, file }) => [input.name, file.name]));
  const graph = fillGraph(workflow, new Map<string, Json>([...values, ...names]));
  refuseUnsafe(workflow, graph, tools.definitions);
  const files = [...workflow.files, ...staged.map(({ file }) => ({ name: file.name, asset: file.asset }))];
  const assets = staged.map(({ input, file }): [string, Json] => [input.name, { asset: file.asset }]);
  return {
    inputs: Object.fromEntries([...values, ...assets]),
    graph,
    files: usedFiles(graph, files),
    outputNodes: workflow.outputs.map(({ node }) => node),
    modelKey: modelKey(graph, tools.definitions),
  };
}

/** The value of each input: as given, drawn, or the default. Error: `invalid_input` with all that is wrong. */
export function resolveInputs(workflow: Workflow, given: Readonly<Record<string, unknown>>, random: Random): Resolved {
  const wrong: { input: string; reason: string }[] = [];
  const values = new Map<string, Json>();
  const sources = new Map<string, string>();
  const names = workflow.inputs.map(({ name }) => name);
  for (const name of Object.keys(given)) if (!names.includes(name)) wrong.push({ input: name, reason: unknownName(name, names) });
  for (const input of workflow.inputs) {
    const value = Object.hasOwn(given, input.name) ? given[input.name] : undefined;
    const isFile = input.type === 'image' || input.type === 'file';
    if (value === undefined) {
      const usual = input.random ? draw(input, random) : input.default;
      if (usual !== undefined && !input.required) values.set(input.name, usual);
      else if (input.required) wrong.push({ input: input.name, reason: 'is missing' });
    } else if (isFile && value === input.default && !input.required) values.set(input.name, value as Json);
    else if (isFile) {
      const source = sourceOf(value);
      if (source === null)
        wrong.push({ input: input.name, reason: `must be a URL, a data URL, base64, or {"asset": "blake3:..."} of an upload` });
      else sources.set(input.name, source);
    } else {
      const checked = checkValue(input, value);
      if ('wrong' in checked) wrong.push({ input: input.name, reason: checked.wrong });
      else values.set(input.name, checked.value);
    }
  }
  if (wrong.length === 0) return { values, sources };
  const message = wrong.map(({ input, reason }) => `Input ${JSON.stringify(input)} ${reason}.`).join(' ');
  throw new ComfleetError('invalid_input', message, { inputs: wrong });
}

/** Drawn seeds fit a JSON number exactly. */
function draw({ min = 0, max = Infinity }: WorkflowInput, random: Random): number {
  return min + random.int(Math.min(2 ** 48, Math.max(1, max - min + 1)));
}

function unknownName(name: string, names: readonly string[]): string {
  const near = closest(name, names);
  const list = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
  return `is no input of this workflow${near === null ? '' : ` (did you mean ${near}?)`}; ${list}`;
}

function sourceOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value !== 'object' || value === null) return null;
  const [entry, ...more] = Object.entries(value);
  if (!entry || more.length > 0) return null;
  const [key, text] = entry;
  return ['url', 'asset', 'data'].includes(key) && typeof text === 'string' && text !== '' ? text : null;
}

const imageTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

async function stage(input: WorkflowInput, source: string, stageFile: StageText) {
  const file = await stageFile(source).catch((error: unknown) => {
    if (!(error instanceof ComfleetError)) throw error;
    throw new ComfleetError(error.code, `Input ${JSON.stringify(input.name)}: ${error.message}`, error.details, { cause: error });
  });
  if (input.type === 'image' && !imageTypes.has(file.mime)) {
    throw new ComfleetError(
      'invalid_input',
      `Input ${JSON.stringify(input.name)} must be a PNG, JPEG, WebP or GIF image; its bytes are ${file.mime === 'application/octet-stream' ? 'none of these' : file.mime}.`,
      { input: input.name },
    );
  }
  return { input, file };
}

/** The graph with these values in the targets of their inputs; the workflow's own stays as it is. */
function fillGraph({ graph, inputs }: Workflow, values: ReadonlyMap<string, Json>): Graph {
  const changed = new Map<string, GraphNode>();
  for (const { name, targets } of inputs) {
    const value = values.get(name);
    if (value === undefined) continue;
    for (const { node: id, field } of targets) {
      const node = changed.get(id) ?? graph[id];
      if (node) changed.set(id, { ...node, inputs: { ...node.inputs, [field]: value } });
    }
  }
  return { ...graph, ...Object.fromEntries(changed) };
}

/** Text inputs may lead to file fields; what callers put there must not lead out of ComfyUI's folders. */
function refuseUnsafe({ inputs }: Workflow, graph: Graph, definitions: NodeDefinitions | null): void {
  const texts = inputs.filter(({ type }) => type === 'string' || type === 'enum');
  const targets = texts.flatMap((input) => input.targets.map(({ node, field }) => ({ input: input.name, node, field })));
  const touched: Graph = Object.fromEntries(targets.map(({ node }) => [node, graph[node] as GraphNode]));
  const unsafe = unsafeFileStrings(touched, definitions);
  for (const { input, node, field } of targets) {
    const found = unsafe.find((one) => one.node === node && one.field === field);
    if (found) throw new ComfleetError('invalid_input', `Input ${JSON.stringify(input)} names a file, and ${found.reason}.`, { input });
  }
}

function usedFiles(graph: Graph, files: readonly InputFile[]): InputFile[] {
  if (files.length === 0) return [];
  const values = new Set(Object.values(graph).flatMap((node) => Object.values(node.inputs)));
  return files.filter(({ name }, index) => values.has(name) && files.findIndex((file) => file.name === name) === index);
}

/** The outputs and models of a graph of a client's own. */
export function bindGraph(graph: Graph, definitions: NodeDefinitions | null): BoundWorkflow {
  return { inputs: null, graph, files: [], outputNodes: outputNodes(graph, definitions), modelKey: modelKey(graph, definitions) };
}
