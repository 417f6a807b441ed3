import { choicesOf, definitionOf, fileKindOf, inputOf } from '../comfyui/definitions.ts';
import type { Graph, GraphNode, InputDefinition, Json, NodeDefinitions } from '../comfyui/protocol.ts';
import type { InputTarget, InputType, Workflow, WorkflowInput } from './workflow.ts';

type Range = Pick<WorkflowInput, 'min' | 'max' | 'step' | 'choices'>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Field names that hold fractions even where a graph happens to have a whole number. */
const floatFields = /^(cfg|denoise|guidance|strength.*|.*_strength|.*_percent|.*factor|scale_by|sigma|fps|opacity|weight)$/;

const scalarTypes: Readonly<Record<string, InputType>> = { INT: 'int', FLOAT: 'float', BOOLEAN: 'boolean', STRING: 'string' };

/** What the definitions, or else the graph, say of a field's type. */
export function typeOfField(graph: Graph, { node: id, field }: InputTarget, definitions: NodeDefinitions | null): InputType {
  const node = graph[id] as GraphNode;
  const input = definitionAt(graph, { node: id, field }, definitions);
  const upload = fileKindOf(node, field, input)?.upload;
  if (upload) return upload;
  if (choicesOf(input)) return 'enum';
  const byDefinition = typeof input?.[0] === 'string' ? scalarTypes[input[0]] : undefined;
  if (byDefinition) return byDefinition;
  const value = node.inputs[field];
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value !== 'number') return /^(noise_)?seed$/.test(field) ? 'int' : 'string';
  return Number.isInteger(value) && !floatFields.test(field) ? 'int' : 'float';
}

/** Range and choices of a field by its definition. */
export function rangeOfField(graph: Graph, target: InputTarget, definitions: NodeDefinitions | null): Range {
  const input = definitionAt(graph, target, definitions);
  const range: Mutable<Range> = {};
  for (const key of ['min', 'max', 'step'] as const) {
    const value = input?.[1]?.[key];
    if (typeof value === 'number') range[key] = value;
  }
  const choices = choicesOf(input);
  return choices ? { ...range, choices } : range;
}

function definitionAt(graph: Graph, { node, field }: InputTarget, definitions: NodeDefinitions | null): InputDefinition | undefined {
  return definitions ? inputOf(definitionOf(definitions, graph[node]?.class_type ?? ''), field) : undefined;
}

/**
 * The workflow with what definitions add to its inputs: ranges and choices that were not declared. So a workflow can be read
 * before the first container has told what its nodes take.
 */
export function refineWorkflow(workflow: Workflow, definitions: NodeDefinitions): Workflow {
  return { ...workflow, inputs: workflow.inputs.map((input) => refineInput(workflow.graph, input, definitions)) };
}

function refineInput(graph: Graph, input: WorkflowInput, definitions: NodeDefinitions): WorkflowInput {
  const [target] = input.targets;
  if (!target || !definitionAt(graph, target, definitions)) return input;
  const found = typeOfField(graph, target, definitions);
  // A whole number in the graph does not tell that the field takes fractions, nor does a text that it is one of a list.
  const widened = (input.type === 'int' && found === 'float') || (input.type === 'string' && found === 'enum');
  return withRange({ ...input, type: widened ? found : input.type }, rangeOfField(graph, target, definitions));
}

/** The input with the parts of the range that fit its type and are not declared. */
export function withRange(input: WorkflowInput, range: Range): WorkflowInput {
  if (input.type === 'enum') return { ...(range.choices ? { choices: range.choices } : {}), ...input };
  if (input.type !== 'int' && input.type !== 'float') return input;
  const { choices: _choices, ...numbers } = range;
  return { ...numbers, ...input };
}

/** Why a value of this type cannot go into a field that takes `found`; null when it can. */
export function mismatch(declared: InputType, found: InputType): string | null {
  const takes: Readonly<Record<InputType, readonly InputType[]>> = {
    int: ['int', 'enum'],
    float: ['float', 'int', 'enum'],
    boolean: ['boolean', 'enum'],
    string: ['string', 'enum', 'image', 'file', 'int', 'float', 'boolean'],
    enum: ['enum', 'string', 'image', 'file'],
    image: ['image', 'file', 'enum', 'string'],
    file: ['file', 'image', 'enum', 'string'],
  };
  return takes[found].includes(declared) ? null : `it is declared as ${declared}, but the field takes ${found}`;
}

export const isJson = (value: unknown): value is Json =>
  value === null ||
  typeof value === 'boolean' ||
  typeof value === 'number' ||
  typeof value === 'string' ||
  (Array.isArray(value) ? value.every(isJson) : typeof value === 'object' && Object.values(value).every(isJson));
