import type { Graph, Json } from '../comfyui/protocol.ts';

/** Where a named input goes: one field of one node. */
export interface InputTarget {
  readonly node: string;
  readonly field: string;
}

export type InputType = 'string' | 'int' | 'float' | 'boolean' | 'enum' | 'image' | 'file';

/** A named, typed input of a workflow. Ranges, choices and defaults come from the graph and the node definitions unless declared. */
export interface WorkflowInput {
  readonly name: string;
  readonly type: InputType;
  /** All of them get the same value. */
  readonly targets: readonly InputTarget[];
  readonly description?: string;
  readonly required: boolean;
  readonly default?: Json;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly choices?: readonly Json[];
  /** A random value is drawn at submission when none is given (seeds). */
  readonly random?: boolean;
}

/** A node whose results are an output of the workflow; the first one is what `POST /` answers with. */
export interface WorkflowOutput {
  readonly node: string;
  readonly name?: string;
}

/** A file that ships with the workflow and that its graph reads by name. */
export interface WorkflowFile {
  readonly name: string;
  readonly asset: string;
}

/** A graph and the declaration of its inputs and outputs. Immutable; `version` is a hash of the content. */
export interface Workflow {
  readonly version: string;
  readonly graph: Graph;
  readonly inputs: readonly WorkflowInput[];
  /** Empty means: every output node, in the order of their ids. */
  readonly outputs: readonly WorkflowOutput[];
  readonly files: readonly WorkflowFile[];
}
