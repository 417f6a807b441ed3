import { byNumber, outputNodes } from '../comfyui/check-graph.ts';
import { definitionOf, inputOf } from '../comfyui/definitions.ts';
import { hashGraph, hashJson, isLink } from '../comfyui/graph.ts';
import type { Graph, Json, NodeDefinitions } from '../comfyui/protocol.ts';
import { closest } from '../config/closest.ts';
import type { InputConfig } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';
import { checkDefault } from './check-value.ts';
import { isJson, mismatch, rangeOfField, typeOfField, withRange } from './describe-input.ts';
import { inferInputs, type InputDraft } from './infer-inputs.ts';
import type { InputTarget, InputType, Workflow, WorkflowFile, WorkflowInput } from './workflow.ts';

export interface WorkflowDeclaration {
  readonly graph: Graph;
  /** By name; null: inferred from the graph, see `inferInputs`. */
  readonly inputs: Readonly<Record<string, InputConfig>> | null;
  /** Node ids in order; null: every output node. */
  readonly outputs: readonly string[] | null;
  readonly files: readonly WorkflowFile[];
}

interface Reading {
  readonly graph: Graph;
  readonly definitions: NodeDefinitions | null;
  readonly shipped: ReadonlySet<string>;
}

/**
 * A workflow from its graph and what is declared about it. Types, ranges, choices and defaults that are not declared come from the
 * definitions and the graph. An input is required when the graph has no value for it, or names a file that does not ship with the
 * workflow. Ranges and choices from the definitions make no other `version`. Error: `invalid_workflow`.
 */
export function readWorkflow({ graph, inputs, outputs, files }: WorkflowDeclaration, definitions: NodeDefinitions | null): Workflow {
  const reading: Reading = { graph, definitions, shipped: new Set(files.map(({ name }) => name)) };
  const drafts = inferInputs(graph, definitions);
  const read = inputs
    ? Object.entries(inputs).map(([name, config]) => declaredInput(name, config, reading))
    : drafts.map((draft) => makeInput(draft, {}, reading));
  checkFiles(graph, reading.shipped);
  const version = hashJson({ graph: hashGraph(graph), inputs: inputs ?? drafts, outputs, files });
  return { version, graph, inputs: read, outputs: (outputs ?? []).map((node) => declaredOutput(node, reading)), files };
}

function declaredInput(name: string, config: InputConfig, reading: Reading): WorkflowInput {
  if (config.target.length === 0) throw wrong(name, 'it has no target; name one as "NODE.FIELD"');
  const targets = config.target.map((text) => readTarget(name, text, reading));
  const input = makeInput({ name, targets, ...(config.random ? { random: true } : {}) }, config, reading);
  for (const target of targets) {
    const field = typeOfField(reading.graph, target, reading.definitions);
    const reason = reading.definitions && mismatch(input.type, field);
    if (reason) throw wrong(name, `${reason} (${target.node}.${target.field})`, target);
    if (field !== 'enum') checkChoices(input, field, config.choices ?? [], target);
  }
  return input;
}

function checkChoices({ name }: WorkflowInput, type: InputType, choices: readonly unknown[], target: InputTarget): void {
  if (type === 'image' || type === 'file') return;
  for (const choice of choices) {
    checkDefault({ name, type, targets: [target], required: false }, choice, (reason) =>
      wrong(name, `each of its choices ${reason}`, target),
    );
  }
}

function readTarget(name: string, text: string, { graph, definitions }: Reading): InputTarget {
  const dot = text.indexOf('.');
  const [node, field] = [text.slice(0, dot), text.slice(dot + 1)];
  if (dot < 1 || field === '') throw wrong(name, `its target "${text}" is not of the form NODE.FIELD, such as 6.text`);
  const known = Object.hasOwn(graph, node) ? graph[node] : undefined;
  if (!known) {
    throw wrong(name, `its target ${text} names node ${node}, which is not in the graph${hint(node, Object.keys(graph))}`, { node, field });
  }
  const definition = definitions ? definitionOf(definitions, known.class_type) : undefined;
  const value = Object.hasOwn(known.inputs, field) ? known.inputs[field] : undefined;
  if (value === undefined && !inputOf(definition, field)) {
    const constants = Object.keys(known.inputs).filter((key) => !isLink(known.inputs[key]));
    throw wrong(name, `node ${node} (${known.class_type}) has no field ${field}${hint(field, constants)}`, { node, field });
  }
  if (isLink(value)) {
    throw wrong(name, `${text} is linked to node ${value[0]} (${graph[value[0]]?.class_type ?? '?'}); name a field of that node`, {
      node,
      field,
    });
  }
  return { node, field };
}

function makeInput(draft: InputDraft, config: Partial<InputConfig>, reading: Reading): WorkflowInput {
  const { name, targets } = draft;
  const target = targets[0] as InputTarget;
  const type = config.type ?? (config.choices ? 'enum' : typeOfField(reading.graph, target, reading.definitions));
  const given = config.default === undefined ? reading.graph[target.node]?.inputs[target.field] : config.default;
  const value = draft.random && config.default === undefined ? undefined : given;
  if (value !== undefined && !isJson(value)) throw wrong(name, 'its default is no JSON value', target);
  const isFile = type === 'image' || type === 'file';
  const hasValue = draft.random === true || (value !== undefined && (!isFile || (typeof value === 'string' && reading.shipped.has(value))));
  const input: WorkflowInput = {
    name,
    type,
    targets,
    required: config.required ?? !hasValue,
    ...(config.description === undefined ? {} : { description: config.description }),
    ...(value === undefined ? {} : { default: value }),
    ...(config.choices ? { choices: config.choices as Json[] } : {}),
    ...(draft.random ? { random: true } : {}),
    ...numbersOf(config),
  };
  const ranged = withRange(input, rangeOfField(reading.graph, target, reading.definitions));
  if (config.default !== undefined && !isFile)
    checkDefault(ranged, config.default, (reason) => wrong(name, `its default ${reason}`, target));
  return ranged;
}

const numbersOf = ({ min, max, step }: Partial<InputConfig>): Pick<WorkflowInput, 'min' | 'max' | 'step'> => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  ...(step === undefined ? {} : { step }),
});

function declaredOutput(node: string, { graph, definitions }: Reading): { node: string } {
  const ids = Object.keys(graph).sort(byNumber.compare);
  if (!Object.hasOwn(graph, node))
    throw new ComfleetError('invalid_workflow', `Output ${node} is no node of the graph${hint(node, ids)}.`, { output: node });
  const results = outputNodes(graph, definitions);
  const isKnown = definitions && definitionOf(definitions, graph[node]?.class_type ?? '');
  if (!isKnown || results.includes(node)) return { node };
  const message = `Output ${node} (${graph[node]?.class_type}) gives no result; nodes that do: ${results.join(', ') || 'none'}.`;
  throw new ComfleetError('invalid_workflow', message, { output: node });
}

function checkFiles(graph: Graph, shipped: ReadonlySet<string>): void {
  const values = Object.values(graph).flatMap((node) => Object.values(node.inputs).filter((value) => typeof value === 'string'));
  for (const name of shipped) {
    if (values.includes(name)) continue;
    const message = `File ${name} ships with the workflow, but no node reads it${hint(
      name,
      values.filter((value) => /\.\w{2,5}$/.test(value)),
    )}.`;
    throw new ComfleetError('invalid_workflow', message, { file: name });
  }
}

function hint(word: string, candidates: readonly string[]): string {
  const near = closest(word, candidates);
  if (near !== null) return `; did you mean ${near}?`;
  return candidates.length > 0 ? `; there are ${candidates.slice(0, 12).join(', ')}` : '';
}

const wrong = (input: string, reason: string, target?: InputTarget): ComfleetError =>
  new ComfleetError('invalid_workflow', `Input ${input}: ${reason}.`.replace(/\?\.$/, '?'), { input, ...target });
