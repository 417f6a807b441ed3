import { ComfleetError } from '../errors.ts';
import type { DeploymentProblem } from '../deployments/deployment.ts';
import { choicesOf, definitionOf, fileKindOf, inputOf } from './definitions.ts';
import { isLink, sourcesOf } from './graph.ts';
import type { Graph, GraphNode, InputDefinition, Json, NodeDefinition, NodeDefinitions } from './protocol.ts';

/**
 * Why containers with these definitions could not run the graph; empty when they can. `supplied` names the files that are uploaded
 * with each job. Like ComfyUI it looks at the inputs only of nodes that an output needs, but at the class of all.
 */
export function checkGraph(graph: Graph, definitions: NodeDefinitions, supplied: ReadonlySet<string> = new Set()): DeploymentProblem[] {
  const unknown = Object.entries(graph)
    .filter(([, node]) => !definitionOf(definitions, node.class_type))
    .map(([id, node]) => unknownNode(id, node));
  if (unknown.length > 0) return unknown;
  const outputs = outputNodes(graph, definitions);
  if (outputs.length === 0) {
    const message = 'No node of the graph gives a result. Add one that saves or shows something, such as SaveImage.';
    return [{ code: 'invalid_graph', node: Object.keys(graph)[0] ?? '', message }];
  }
  const needed = [...neededBy(graph, outputs)].sort(byNumber.compare);
  return needed.flatMap((id) => checkNode(graph, id, definitions, supplied));
}

/** Throws when `checkGraph` finds something: `unknown_node`, `missing_file` or `invalid_graph`, naming all of that kind. */
export function assertRunnable(graph: Graph, definitions: NodeDefinitions, supplied?: ReadonlySet<string>): void {
  const problems = checkGraph(graph, definitions, supplied);
  const [first] = problems;
  if (!first) return;
  const same = problems.filter(({ code }) => code === first.code);
  throw new ComfleetError(first.code, same.map(({ message }) => message).join(' '), { node: first.node, problems });
}

/** Ids of the nodes that give results, in the order of ids. Without definitions: the nodes that no other is linked to. */
export function outputNodes(graph: Graph, definitions: NodeDefinitions | null): string[] {
  const linked = new Set(Object.values(graph).flatMap(sourcesOf));
  return Object.keys(graph)
    .filter((id) => (definitions ? definitionOf(definitions, graph[id]?.class_type ?? '')?.output_node === true : !linked.has(id)))
    .sort(byNumber.compare);
}

/** Ids as people count: 2 before 10. */
export const byNumber = new Intl.Collator('en', { numeric: true });

/** Which models the graph loads, sorted and joined; equal for graphs that a container can run one after the other without loading. */
export function modelKey(graph: Graph, definitions: NodeDefinitions | null): string {
  const models = new Set<string>();
  for (const node of Object.values(graph)) {
    const definition = definitions ? definitionOf(definitions, node.class_type) : undefined;
    for (const [field, value] of Object.entries(node.inputs)) {
      if (typeof value !== 'string') continue;
      if (fileKindOf(node, field, inputOf(definition, field))?.folder.startsWith('models')) models.add(value);
    }
  }
  return [...models].sort().join('|');
}

function neededBy(graph: Graph, outputs: readonly string[]): Set<string> {
  const needed = new Set<string>();
  const left = [...outputs];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (needed.has(id)) continue;
    needed.add(id);
    left.push(...sourcesOf(graph[id] as GraphNode));
  }
  return needed;
}

function checkNode(graph: Graph, id: string, definitions: NodeDefinitions, supplied: ReadonlySet<string>): DeploymentProblem[] {
  const node = graph[id] as GraphNode;
  const definition = definitionOf(definitions, node.class_type) as NodeDefinition;
  const problem = (message: string): DeploymentProblem => ({ code: 'invalid_graph', node: id, message: `${nameOf(id, node)}: ${message}` });
  const missing = Object.keys(definition.input.required ?? {})
    .filter((field) => !Object.hasOwn(node.inputs, field))
    .map((field) => problem(`input ${field} is missing.`));
  const wrong = Object.entries(node.inputs).flatMap(([field, value]) => {
    const input = inputOf(definition, field);
    if (!isLink(value)) return input ? checkValue(id, node, field, input, supplied) : [];
    const outputs = definitionOf(definitions, graph[value[0]]?.class_type ?? '')?.output.length ?? 0;
    if (value[1] < outputs) return [];
    return [problem(`${field} is linked to output ${value[1]} of node ${value[0]}, which has ${outputs}, counted from 0.`)];
  });
  return [...missing, ...wrong];
}

/** What `parseExact` makes of a whole number that JavaScript cannot hold, as far as Python takes it too. */
const largeWhole = /^-?\d{16,4300}$/;

function checkValue(
  id: string,
  node: GraphNode,
  field: string,
  input: InputDefinition,
  supplied: ReadonlySet<string>,
): DeploymentProblem[] {
  const value = node.inputs[field] as Json;
  const choices = choicesOf(input);
  const problem = (code: DeploymentProblem['code'], message: string): DeploymentProblem[] => [
    { code, node: id, message: `${nameOf(id, node)}: ${message}` },
  ];
  if (choices) {
    if (choices.includes(value)) return [];
    const shown = listOf(choices);
    const kind = fileKindOf(node, field, input);
    if (!kind || typeof value !== 'string') {
      return problem('invalid_graph', `${field} is ${JSON.stringify(value)}, which is none of its choices (${shown}).`);
    }
    // Lists of the input folder name only its top; files below it may well be there.
    if (supplied.has(value) || (!kind.folder.startsWith('models') && value.includes('/'))) return [];
    return problem(
      'missing_file',
      `${field} names ${value}, which no container has. Put it into ComfyUI's folder ${kind.folder} (no restart is needed), or name one that is there (${shown}).`,
    );
  }
  const { min, max } = input[1] ?? {};
  const number = input[0] === 'INT' && typeof value === 'string' && largeWhole.test(value) ? BigInt(value) : value;
  if (typeof number !== 'number' && typeof number !== 'bigint') return [];
  if (typeof min === 'number' && number < min) return problem('invalid_graph', `${field} is ${number}, below the least of ${min}.`);
  if (typeof max === 'number' && number > max) return problem('invalid_graph', `${field} is ${number}, above the most of ${max}.`);
  return [];
}

function listOf(choices: readonly Json[]): string {
  if (choices.length === 0) return 'there are none';
  const shown = choices
    .slice(0, 8)
    .map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)))
    .join(', ');
  return choices.length > 8 ? `${shown} and ${choices.length - 8} more` : shown;
}

const nameOf = (id: string, node: GraphNode): string => `Node ${id} (${node.class_type})`;

const unknownNode = (id: string, node: GraphNode): DeploymentProblem => ({
  code: 'unknown_node',
  node: id,
  message: `${nameOf(id, node)} is of a class that no container has; install the node pack that brings ${node.class_type}.`,
});
