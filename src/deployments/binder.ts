import { assertRunnable } from '../comfyui/check-graph.ts';
import { readGraph } from '../comfyui/graph.ts';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import { unsafeFileStrings } from '../comfyui/unsafe-strings.ts';
import { ComfleetError } from '../errors.ts';
import type { Random } from '../fleet/clock.ts';
import { bindGraph, bindInputs, type BoundWorkflow, type StageText } from './bind-inputs.ts';
import { readWorkflow } from './read-workflow.ts';
import type { Workflow } from './workflow.ts';

export interface BinderOptions {
  readonly random: Random;
  readonly stageFile: StageText;
  /** What containers told of their nodes last; null before the first. */
  readonly definitions: () => NodeDefinitions | null;
}

/** From what clients send to graphs that run. */
export interface Binder {
  /** Puts named inputs into the workflow's graph. Errors: `invalid_input`, and those of `stageFile`. */
  bind(workflow: Workflow, values: Readonly<Record<string, unknown>>): Promise<BoundWorkflow>;
  /**
   * Checks a client's own graph, against `definitions` when there are any. Errors: `invalid_graph`, `ui_workflow`, `unknown_node`,
   * `missing_file`.
   */
  readGraph(graph: unknown, definitions: NodeDefinitions | null): BoundWorkflow;
  /** A workflow from a graph alone: its inputs and outputs are inferred. Errors: `invalid_graph`, `ui_workflow`. */
  readWorkflow(graph: unknown): Promise<Workflow>;
}

export function createBinder({ random, stageFile, definitions }: BinderOptions): Binder {
  return {
    bind: (workflow, values) => bindInputs(workflow, values, { random, stageFile, definitions: definitions() }),
    readGraph(value, known) {
      const graph = readGraph(value);
      const unsafe = unsafeFileStrings(graph, known);
      if (unsafe.length > 0) {
        const reasons = unsafe.map(({ node, field, reason }) => `node ${node} (${graph[node]?.class_type}), ${field}: ${reason}`);
        throw new ComfleetError('invalid_graph', `File names in the graph are refused: ${reasons.join('; ')}.`, { unsafe });
      }
      if (known) assertRunnable(graph, known);
      return bindGraph(graph, known);
    },
    readWorkflow: async (graph) => readWorkflow({ graph: readGraph(graph), inputs: null, outputs: null, files: [] }, definitions()),
  };
}
