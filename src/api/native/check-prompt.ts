import { modelKey, outputNodes } from '../../comfyui/check-graph.ts';
import { definitionOf, fileKindOf } from '../../comfyui/definitions.ts';
import { isLink, isTooDeep, maxDepth, maxNodes, readGraph } from '../../comfyui/graph.ts';
import type { Graph, NodeDefinitions } from '../../comfyui/protocol.ts';
import type { InputFile } from '../../comfyui/runner.ts';
import { unsafeFileStrings } from '../../comfyui/unsafe-strings.ts';
import { validatePrompt, type NodeErrors, type OwnCheck, type Refusal, type Validation } from '../../comfyui/validate.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import type { Workflow } from '../../deployments/workflow.ts';
import { ComfleetError } from '../../errors.ts';
import type { Caller } from '../../store/store.ts';
import { openGraphs } from '../auth.ts';
import { isObject } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { Unforeseen } from './json-body.ts';
import { resolveFiles, type MissingFile } from './resolve-files.ts';

/** A prompt that can run, or why not, in ComfyUI's words. */
export type CheckedPrompt =
  | { readonly refusal: Refusal; readonly nodeErrors: NodeErrors }
  | {
      readonly refusal: null;
      readonly nodeErrors: NodeErrors;
      readonly graph: Graph;
      readonly outputs: readonly string[];
      readonly files: readonly InputFile[];
      readonly modelKey: string;
    };

export interface PromptToCheck {
  readonly deployment: Deployment;
  readonly caller: Caller;
  readonly prompt: unknown;
  /** Output nodes that the client wants; null: all. */
  readonly targets: readonly string[] | null;
}

/**
 * Checks a client's graph as ComfyUI does, with what containers told of their nodes last; before the first one, only its structure.
 * Errors: `Unforeseen`, `open_graphs_off`, `invalid_graph` for strings that lead to others' files, and where structure is all there is.
 */
export async function checkPrompt(context: ApiContext, { deployment, caller, prompt, targets }: PromptToCheck): Promise<CheckedPrompt> {
  if (!isObject(prompt)) throw new Unforeseen('the prompt is no object');
  const limit = tooLarge(prompt);
  if (limit !== null) return refuse('invalid_prompt', limit);
  const definitions = context.deployments.definitions();
  const graph = definitions ? (prompt as Graph) : structureOf(prompt);
  assertShape(graph);
  const { workflow } = context.deployments.revision(deployment);
  if (!openGraphs(context)) mustBeOwn(graph, workflow, deployment);
  const { files, missing } = await resolveFiles(context.store, withInputs(graph), definitions, caller, workflow.files);
  const rewrap = wrappedLists(graph);
  const checked = definitions ? validate(graph, definitions, missing, targets) : structureAlone(graph, targets);
  if (checked.refusal) return checked;
  rewrap();
  const runnable = withInputs(graph);
  const { nodeErrors, outputs } = checked;
  refuseUnsafe(runnable, definitions, { files, nodeErrors });
  return { refusal: null, nodeErrors, graph: runnable, outputs, files, modelKey: modelKey(runnable, definitions) };
}

/** ComfyUI's own name for a value that is a list. */
const wrapper = '__value__';

const refuse = (type: string, message: string, details = ''): CheckedPrompt & Validation => ({
  refusal: { type, message, details, extra_info: {} },
  nodeErrors: {},
});

function tooLarge(prompt: Readonly<Record<string, unknown>>): string | null {
  const nodes = Object.values(prompt);
  if (nodes.length > maxNodes) return `The prompt has ${nodes.length} nodes; ${maxNodes} are allowed.`;
  return nodes.some((node) => isTooDeep(node, maxDepth)) ? `A value of the prompt is nested more than ${maxDepth} deep.` : null;
}

/** An empty graph has a refusal of its own in ComfyUI. */
const structureOf = (prompt: Readonly<Record<string, unknown>>): Graph => (Object.keys(prompt).length === 0 ? {} : readGraph(prompt));

function assertShape(graph: Graph): void {
  for (const node of Object.values(graph)) {
    if (!isObject(node)) throw new Unforeseen('a node is no object');
    if ('inputs' in node && !isObject(node.inputs)) throw new Unforeseen('the inputs of a node are no object');
  }
}

/**
 * Lists that are values stand in `{"__value__": [...]}`, which ComfyUI's check takes off. The container checks again, and would take a
 * bare list for a link: what comes back puts them on again.
 */
function wrappedLists(graph: Graph): () => void {
  const places = Object.values(graph).flatMap((node) =>
    Object.entries(node.inputs ?? {})
      .filter(([, value]) => isObject(value) && Array.isArray(value[wrapper]))
      .map(([field, value]) => ({ node, field, value })),
  );
  return () => {
    for (const { node, field, value } of places) if (Array.isArray(node.inputs[field])) node.inputs[field] = value;
  };
}

/** ComfyUI does not look at the inputs of nodes that no output needs, so they need not be there; of the others its check tells. */
const withInputs = (graph: Graph): Graph =>
  Object.fromEntries(Object.entries(graph).map(([id, node]) => [id, 'inputs' in node ? node : Object.assign({}, node, { inputs: {} })]));

function validate(
  graph: Graph,
  definitions: NodeDefinitions,
  missing: readonly MissingFile[],
  targets: readonly string[] | null,
): Validation {
  const checks = (classType: string): OwnCheck | undefined => fileCheck(graph, definitions, classType, missing);
  try {
    return validatePrompt(graph, definitions, checks, targets);
  } catch (error) {
    if (error instanceof TypeError) throw new Unforeseen('the graph has a shape that ComfyUI does not foresee', { cause: error });
    throw error;
  }
}

function structureAlone(graph: Graph, targets: readonly string[] | null): Validation {
  const outputs = outputNodes(graph, null).filter((id) => targets === null || targets.includes(id));
  return outputs.length > 0 ? { refusal: null, outputs, nodeErrors: {} } : refuse('prompt_no_outputs', 'Prompt has no outputs');
}

/** Nodes that load files have a check of their own in ComfyUI, whatever the choices say: the file must be there. */
function fileCheck(graph: Graph, definitions: NodeDefinitions, classType: string, missing: readonly MissingFile[]): OwnCheck | undefined {
  const { required = {}, optional = {} } = definitionOf(definitions, classType)?.input ?? {};
  const inputs: string[] = [];
  let kind = '';
  for (const [field, input] of Object.entries({ ...required, ...optional })) {
    const folder = fileKindOf({ class_type: classType, inputs: {} }, field, input)?.folder;
    if (folder !== 'input' && folder !== 'output') continue;
    inputs.push(field);
    kind ||=
      Object.keys(input[1] ?? {})
        .find((key) => key.endsWith('_upload'))
        ?.replace(/_?upload$/, '') ?? '';
  }
  if (inputs.length === 0) return undefined;
  const isMissing = (value: string): boolean => missing.some((file) => file.value === value && graph[file.node]?.class_type === classType);
  return { inputs, check: (value) => !isMissing(value) || `Invalid ${kind === '' ? '' : `${kind} `}file: ${value}` };
}

/** With open_graphs off, clients run the deployment's own workflow: only what it declares as inputs may differ. */
function mustBeOwn(graph: Graph, { graph: own, inputs }: Workflow, { name }: Deployment): void {
  const free = new Set(inputs.flatMap(({ targets }) => targets.map(({ node, field }) => `${node} ${field}`)));
  const isSame = (id: string): boolean => {
    const [theirs, ours] = [graph[id], own[id]];
    if (!theirs || !ours || theirs.class_type !== ours.class_type) return false;
    return Object.keys({ ...theirs.inputs, ...ours.inputs }).every((field) => {
      const [given, wanted] = [theirs.inputs?.[field], ours.inputs[field]];
      if (free.has(`${id} ${field}`)) return given !== undefined && !isLink(given) && typeof given !== 'object';
      return JSON.stringify(given) === JSON.stringify(wanted);
    });
  };
  const differing = Object.keys({ ...graph, ...own }).find((id) => !Object.hasOwn(graph, id) || !Object.hasOwn(own, id) || !isSame(id));
  if (differing === undefined) return;
  throw new ComfleetError(
    'open_graphs_off',
    `Deployment ${name} runs only its own workflow; open_graphs is off, and node ${differing.slice(0, 100)} differs in more than the declared inputs`,
  );
}

/** Names that a caller's own files have are no danger, whatever they look like. */
function refuseUnsafe(
  graph: Graph,
  definitions: NodeDefinitions | null,
  { files, nodeErrors }: { files: readonly InputFile[]; nodeErrors: Validation['nodeErrors'] },
): void {
  const own = new Set(files.map(({ name }) => name));
  // Nodes with errors of their own never run, and ComfyUI tells of those.
  const unsafe = unsafeFileStrings(graph, definitions).filter(({ node, value }) => !own.has(value) && !nodeErrors[node]);
  if (unsafe.length === 0) return;
  const reasons = unsafe.map(({ node, field, reason }) => `node ${node} (${graph[node]?.class_type}), ${field}: ${reason}`);
  throw new ComfleetError('invalid_graph', `File names in the graph are refused: ${reasons.join('; ')}.`, { unsafe });
}
