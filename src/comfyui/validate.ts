import { constant, pair, problem, type InputError } from './check-constant.ts';
import type { Graph, GraphNode, InputDefinition, Json, Link, NodeDefinition, NodeDefinitions } from './protocol.ts';
import { PythonError, repr, str, typeName } from './python.ts';

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
  check(value: string): true | string;
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

/** Cycles that are told of one prompt, and nodes of each. */
const mostCycles = 100;
const shownNodes = 8;

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
  const told = new Set<string>();
  for (const output of outputs) {
    const result = validator.output(output);
    if (result.valid) {
      good.push(output);
      continue;
    }
    // ComfyUI finds nothing to say of a cycle.
    const cycles = [...validator.cycles].flatMap(([id, error]) => (told.has(id) || id === output ? [] : [error]));
    for (const id of validator.cycles.keys()) told.add(id);
    lines.push(...[...result.errors, ...cycles].map((error) => `${error.message}: ${error.details}`));
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

const isLink = (value: unknown): value is Link => Array.isArray(value);

/** What Python takes as an index: True is 1. */
const isIndex = (slot: unknown): boolean => typeof slot === 'boolean' || Number.isInteger(slot);

/** What came of a node that another is linked to; PythonError: ComfyUI's own check of it breaks off. */
type Outcome = NodeResult | PythonError;

/** The check of one node: gives the ids of the nodes that it is linked to, and wants what came of each. */
type Steps = Generator<string, NodeResult, Outcome>;

/** Walks with a stack of its own: a chain of as many nodes as a prompt may have is deeper than the program's. */
class Validator {
  /** Nodes with errors of their own. */
  readonly bad = new Map<string, InputError[]>();
  readonly #results = new Map<string, NodeResult>();
  readonly #graph: Graph;
  readonly #definitions: NodeDefinitions;
  readonly #checks: OwnChecks;
  /** The nodes from an output to the one that is looked at. */
  readonly #path = new Map<string, Steps>();
  /** Errors of nodes at which a cycle closes. */
  readonly cycles = new Map<string, InputError>();

  constructor(graph: Graph, definitions: NodeDefinitions, checks: OwnChecks) {
    this.#graph = graph;
    this.#definitions = definitions;
    this.#checks = checks;
  }

  output(id: string): NodeResult {
    const outcome = this.#results.get(id) ?? this.#walk(id);
    if (!(outcome instanceof PythonError)) return outcome;
    const { type, message } = outcome;
    const details = { type: 'exception_during_validation', message: 'Exception when validating node', details: message };
    const result = { valid: false, errors: [{ ...details, extra_info: { exception_type: type, traceback: traceback(730) } }] };
    this.#keep(id, result);
    return result;
  }

  #keep(id: string, result: NodeResult): void {
    this.#results.set(id, result);
    if (result.errors.length > 0) this.bad.set(id, result.errors);
  }

  #walk(output: string): Outcome {
    const stack = [output];
    this.#path.set(output, this.#node(output));
    let outcome: Outcome | undefined;
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      const next = this.#advance(id, outcome);
      if (typeof next === 'string') {
        outcome = this.#results.get(next);
        if (outcome) continue;
        stack.push(next);
        this.#path.set(next, this.#node(next));
      } else {
        outcome = next;
        stack.pop();
        this.#path.delete(id);
      }
    }
    return outcome as Outcome;
  }

  /** Goes on with a node: the next that it is linked to, or what came of it. */
  #advance(id: string, outcome: Outcome | undefined): string | Outcome {
    try {
      // What the first step is given goes nowhere.
      return (this.#path.get(id) as Steps).next(outcome as Outcome).value;
    } catch (error) {
      if (error instanceof PythonError) return error;
      throw error;
    }
  }

  /** Throws PythonError where ComfyUI's own check of the node breaks off. */
  *#node(id: string): Steps {
    const node = this.#graph[id] as GraphNode;
    if (!('inputs' in node)) throw new PythonError('KeyError', "'inputs'");
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
      if (isLink(value)) {
        const wrong = this.#linkError(name, config, value);
        if (wrong) errors.push(wrong);
        else upstream = (yield* this.#source(name, config, value)) && upstream;
      } else {
        const wrong = constant(node, name, config, own?.inputs.includes(name) === true);
        if (wrong) errors.push(wrong);
      }
    }
    const cycle = this.cycles.get(id);
    errors.push(...ownErrors(node, own), ...(cycle ? [cycle] : []));
    const result = { valid: errors.length === 0 && upstream, errors };
    this.#keep(id, result);
    return result;
  }

  #linkError(name: string, config: InputDefinition, value: readonly unknown[]): InputError | null {
    const info = { input_name: name, input_config: pair(config) };
    if (value.length !== 2) {
      const message = 'Bad linked input, must be a length-2 list of [node_id, slot_index]';
      return problem('bad_linked_input', message, name, { ...info, received_value: value });
    }
    const [from, slot] = value;
    // Keys of JSON are texts: a number finds no node, though it reads the same.
    const source = typeof from === 'string' && Object.hasOwn(this.#graph, from) ? this.#graph[from] : undefined;
    if (!source) throw new PythonError('KeyError', repr(from));
    if (!isIndex(slot)) throw new PythonError('TypeError', `tuple indices must be integers or slices, not ${typeName(slot)}`);
    const received = (this.#definitions[source.class_type] as NodeDefinition).output.at(Number(slot));
    if (received === undefined) throw new PythonError('IndexError', 'tuple index out of range');
    if (typesMatch(received, config[0])) return null;
    const details = `${name}, received_type(${str(received)}) mismatch input_type(${str(config[0])})`;
    return problem('return_type_mismatch', 'Return type mismatch between linked nodes', details, {
      ...info,
      received_type: received,
      linked_node: value,
    });
  }

  /** Is the node at the other end of a link valid? What breaks its check off becomes its error. */
  *#source(name: string, config: InputDefinition, link: Link): Generator<string, boolean, Outcome> {
    const [from] = link;
    const inner = ({ type, message }: PythonError): InputError =>
      problem('exception_during_inner_validation', 'Exception when validating inner node', message, {
        input_name: name,
        input_config: pair(config),
        exception_message: message,
        exception_type: type,
        traceback: traceback(788),
        linked_node: link,
      });
    if (this.#path.has(from)) {
      if (this.cycles.size < mostCycles && !this.cycles.has(from)) this.cycles.set(from, inner(this.#cycle(from)));
      return false;
    }
    const outcome = yield from;
    if (!(outcome instanceof PythonError)) return outcome.valid;
    this.#keep(from, { valid: false, errors: [inner(outcome)] });
    return false;
  }

  /** Where ComfyUI only runs out of stack. */
  #cycle(start: string): PythonError {
    const path = [...this.#path.keys()];
    const nodes = path.slice(path.indexOf(start));
    const many = nodes.length > shownNodes;
    const shown = [...nodes.slice(0, shownNodes), ...(many ? ['...'] : []), many ? `${start} (${nodes.length} nodes)` : start];
    return new PythonError('RecursionError', `The nodes ${shown.join(' <- ')} form a cycle`);
  }
}

function ownErrors(node: GraphNode, own: OwnCheck | undefined): InputError[] {
  if (!own) return [];
  const errors: InputError[] = [];
  for (const name of own.inputs) {
    const value = node.inputs[name];
    if (value === undefined || isLink(value)) continue;
    if (typeof value !== 'string') throw new PythonError('AttributeError', `'${typeName(value)}' object has no attribute 'endswith'`);
    const verdict = own.check(value);
    if (verdict === true) continue;
    errors.push(problem('custom_validation_failed', 'Custom validation failed for node', `${name} - ${verdict}`, { input_name: name }));
  }
  return errors;
}
