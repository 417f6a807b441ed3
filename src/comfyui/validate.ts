import type { Graph, GraphNode, InputDefinition, Json, NodeDefinition, NodeDefinitions } from './protocol.ts';
import { PythonError, conversions, floatText, repr, str } from './python.ts';

/** One thing that is wrong with one input. */
interface InputError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

export interface NodeErrors {
  [node: string]: { errors: InputError[]; dependent_outputs: string[]; class_type: string };
}

export interface Refusal {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

export type Validation =
  | { readonly refusal: Refusal; readonly nodeErrors: NodeErrors }
  /** Output nodes that can run; others may be bad. */
  | { readonly refusal: null; readonly outputs: string[]; readonly nodeErrors: NodeErrors };

/** A node's own check of some inputs, instead of the choices: true, or what is wrong. */
export interface OwnCheck {
  readonly inputs: readonly string[];
  check(value: unknown): true | string;
}
export type OwnChecks = (classType: string) => OwnCheck | undefined;

interface NodeResult {
  readonly valid: boolean;
  readonly errors: InputError[];
}

/** ComfyUI takes any number. Here, others share the process. */
const mostNodes = 10_000;

/** Of a bad node, so many outputs are told that want it: thousands of each would be a very long answer. */
const mostDependents = 1_000;

/** A graph that runs in a circle: ComfyUI refuses it without naming a node. */
class Cycle extends Error {}

const refuse = (type: string, message: string, details = ''): Validation => ({
  refusal: { type, message, details, extra_info: {} },
  nodeErrors: {},
});

/**
 * Checks a graph as `POST /prompt` does, and writes converted constants back into it.
 * Throws TypeError for graphs that ComfyUI does not foresee (it answers 500).
 */
export function validatePrompt(
  graph: Graph,
  definitions: NodeDefinitions,
  checks: OwnChecks,
  targets: readonly string[] | null = null,
): Validation {
  const size = Object.keys(graph).length;
  if (size > mostNodes) {
    return refuse('prompt_too_large', `Cannot execute because the prompt has ${size} nodes: an emulated container takes ${mostNodes}.`);
  }
  const outputs: string[] = [];
  const wanted = targets && new Set(targets);
  for (const [id, node] of Object.entries(graph)) {
    if (typeof node !== 'object' || node === null) throw new TypeError(`node ${id} is no object`);
    const where = `Node ID '#${id}'`;
    if (!('class_type' in node))
      return refuse('invalid_prompt', 'Cannot execute because a node is missing the class_type property.', where);
    const definition = Object.hasOwn(definitions, node.class_type) ? definitions[node.class_type] : undefined;
    if (!definition) return refuse('invalid_prompt', `Cannot execute because node ${node.class_type} does not exist.`, where);
    if (definition.output_node && (wanted === null || wanted.has(id))) outputs.push(id);
  }
  if (outputs.length === 0) return refuse('prompt_no_outputs', 'Prompt has no outputs');
  const validator = new Validator(graph, definitions, checks);
  const good: string[] = [];
  const nodeErrors: NodeErrors = {};
  const lines: string[] = [];
  for (const output of outputs) {
    const result = validator.output(output);
    if (result.valid) {
      good.push(output);
      continue;
    }
    lines.push(...result.errors.map((error) => `${error.message}: ${error.details}`));
    for (const [id, errors] of validator.bad) {
      nodeErrors[id] ??= { errors, dependent_outputs: [], class_type: (graph[id] as GraphNode).class_type };
      if (nodeErrors[id].dependent_outputs.length < mostDependents) nodeErrors[id].dependent_outputs.push(output);
    }
  }
  if (good.length > 0) return { refusal: null, outputs: good, nodeErrors };
  const refusal = { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', extra_info: {} };
  return { refusal: { ...refusal, details: lines.join('\n') }, nodeErrors };
}

const traceback = (line: number): string[] => [
  '  File "/comfyui/execution.py", line 808, in validate_inputs\n    ...\n',
  `  File "/comfyui/execution.py", line ${line}, in validate_inputs\n    ...\n`,
];

/** Types match when they are equal, one is the any type, or their comma lists share a type. */
function typesMatch(received: Json, wanted: Json): boolean {
  if (received === '*' || wanted === '*' || received === wanted) return true;
  if (typeof received !== 'string' || typeof wanted !== 'string') return false;
  const offered = received.split(',');
  return wanted.split(',').some((type) => offered.includes(type));
}

const isLink = (value: unknown): value is [string, number] => Array.isArray(value);

class Validator {
  /** Nodes with errors of their own. */
  readonly bad = new Map<string, InputError[]>();
  readonly #results = new Map<string, NodeResult>();
  readonly #graph: Graph;
  readonly #definitions: NodeDefinitions;
  readonly #checks: OwnChecks;
  readonly #path = new Set<string>();

  constructor(graph: Graph, definitions: NodeDefinitions, checks: OwnChecks) {
    this.#graph = graph;
    this.#definitions = definitions;
    this.#checks = checks;
  }

  output(id: string): NodeResult {
    try {
      return this.#node(id);
    } catch (error) {
      const path = [...this.#path];
      this.#path.clear();
      // A graph deeper than the stack ends like a circle, in ComfyUI too. What led there is not walked again for another output.
      if (error instanceof Cycle || error instanceof RangeError) {
        for (const node of path) this.#results.set(node, { valid: false, errors: [] });
        return { valid: false, errors: [] };
      }
      if (!(error instanceof PythonError)) throw error;
      const { type, message } = error;
      const details = { type: 'exception_during_validation', message: 'Exception when validating node', details: message };
      const result = { valid: false, errors: [{ ...details, extra_info: { exception_type: type, traceback: traceback(730) } }] };
      this.#keep(id, result);
      return result;
    }
  }

  #keep(id: string, result: NodeResult): void {
    this.#results.set(id, result);
    if (result.errors.length > 0) this.bad.set(id, result.errors);
  }

  /** Throws PythonError where ComfyUI's own check of the node breaks off. */
  #node(id: string): NodeResult {
    const known = this.#results.get(id);
    if (known) return known;
    if (this.#path.has(id)) throw new Cycle();
    const node = this.#graph[id] as GraphNode;
    if (!('inputs' in node)) throw new PythonError('KeyError', "'inputs'");
    this.#path.add(id);
    const definition = this.#definitions[node.class_type] as NodeDefinition;
    const own = this.#checks(node.class_type);
    const { required = {}, optional = {} } = definition.input;
    const errors: InputError[] = [];
    let upstream = true;
    for (const [name, config] of Object.entries({ ...required, ...optional })) {
      if (!Object.hasOwn(node.inputs, name)) {
        if (Object.hasOwn(required, name))
          errors.push(problem('required_input_missing', 'Required input is missing', name, { input_name: name }));
        continue;
      }
      const value = node.inputs[name];
      const found = isLink(value) ? this.#link(name, config, value) : constant(node, name, config, own?.inputs.includes(name) === true);
      if (found === 'upstream') upstream = false;
      else if (found) errors.push(found);
    }
    errors.push(...ownErrors(node, own));
    this.#path.delete(id);
    const result = { valid: errors.length === 0 && upstream, errors };
    this.#keep(id, result);
    return result;
  }

  #link(name: string, config: InputDefinition, value: readonly unknown[]): InputError | 'upstream' | null {
    const info = { input_name: name, input_config: pair(config) };
    if (value.length !== 2) {
      const message = 'Bad linked input, must be a length-2 list of [node_id, slot_index]';
      return problem('bad_linked_input', message, name, { ...info, received_value: value });
    }
    const [from, slot] = value as [string, number];
    const source = Object.hasOwn(this.#graph, from) ? this.#graph[from] : undefined;
    if (!source) throw new PythonError('KeyError', repr(from));
    const received = (this.#definitions[source.class_type] as NodeDefinition).output.at(slot);
    if (received === undefined) throw new PythonError('IndexError', 'tuple index out of range');
    if (!typesMatch(received, config[0])) {
      const details = `${name}, received_type(${str(received)}) mismatch input_type(${str(config[0])})`;
      return problem('return_type_mismatch', 'Return type mismatch between linked nodes', details, {
        ...info,
        received_type: received,
        linked_node: value,
      });
    }
    try {
      return this.#node(from).valid ? null : 'upstream';
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      this.#path.delete(from);
      const extra = { exception_message: error.message, exception_type: error.type, traceback: traceback(788), linked_node: value };
      const inner = problem('exception_during_inner_validation', 'Exception when validating inner node', error.message, {
        ...info,
        ...extra,
      });
      this.#keep(from, { valid: false, errors: [inner] });
      return 'upstream';
    }
  }
}

const problem = (type: string, message: string, details: string, extra: Record<string, unknown>): InputError => ({
  type,
  message,
  details,
  extra_info: extra,
});

const pair = (config: InputDefinition): [Json, Json] => [config[0], config[1] ?? {}];

/** Converts a constant in place and checks its range and choices; `free` leaves the choices to the node's own check. */
function constant(node: GraphNode, name: string, config: InputDefinition, free: boolean): InputError | null {
  const [type, options = {}] = config;
  const info = { input_name: name, input_config: pair(config) };
  let value: unknown = node.inputs[name];
  // oxlint-disable-next-line no-underscore-dangle -- ComfyUI's own name for a constant that is a list
  if (typeof value === 'object' && value !== null && '__value__' in value) value = value.__value__;
  const convert = typeof type === 'string' ? conversions[type] : undefined;
  try {
    value = convert ? convert(value) : value;
  } catch (error) {
    const { message } = error as PythonError;
    const extra = { ...info, received_value: value, exception_message: message };
    return problem(
      'invalid_input_type',
      `Failed to convert an input value to a ${str(type)} value`,
      `${name}, ${str(value)}, ${message}`,
      extra,
    );
  }
  node.inputs[name] = value as Json;
  if (free) return null;
  const shown = type === 'FLOAT' ? floatText : String;
  const extra = { ...info, received_value: value };
  if (typeof value === 'number' && typeof options['min'] === 'number' && value < options['min']) {
    return problem('value_smaller_than_min', `Value ${shown(value)} smaller than min of ${shown(options['min'])}`, name, extra);
  }
  if (typeof value === 'number' && typeof options['max'] === 'number' && value > options['max']) {
    return problem('value_bigger_than_max', `Value ${shown(value)} bigger than max of ${shown(options['max'])}`, name, extra);
  }
  const choices = Array.isArray(type) ? type : type === 'COMBO' ? ((options['options'] ?? []) as Json[]) : null;
  if (choices === null || choices.includes(value as Json)) return null;
  const many = choices.length > 20;
  const details = `${name}: '${str(value)}' not in ${many ? `(list of length ${choices.length})` : repr(choices)}`;
  return problem('value_not_in_list', 'Value not in list', details, many ? { ...extra, input_config: null } : extra);
}

function ownErrors(node: GraphNode, own: OwnCheck | undefined): InputError[] {
  if (!own) return [];
  const errors: InputError[] = [];
  for (const name of own.inputs) {
    const value = node.inputs[name];
    if (value === undefined || isLink(value)) continue;
    const verdict = own.check(value);
    if (verdict === true) continue;
    errors.push(problem('custom_validation_failed', 'Custom validation failed for node', `${name} - ${verdict}`, { input_name: name }));
  }
  return errors;
}
