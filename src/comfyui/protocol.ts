/** Shapes of ComfyUI's own API, as far as the fleet reads them. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A link to another node's output: `[node id, output index]`. */
export type Link = [string, number];

export interface GraphNode {
  class_type: string;
  inputs: Record<string, Json>;
  _meta?: { title?: string };
}

/** A workflow in API format. */
export type Graph = Record<string, GraphNode>;

/** `[type or choices, options]`, as `/object_info` gives it. */
export type InputDefinition = [string | Json[], Record<string, Json>?];

export interface NodeDefinition {
  input: { required?: Record<string, InputDefinition>; optional?: Record<string, InputDefinition>; hidden?: Record<string, Json> };
  input_order?: Record<string, string[]>;
  output: (string | Json[])[];
  output_is_list?: boolean[];
  output_name?: string[];
  name: string;
  display_name?: string;
  description?: string;
  python_module?: string;
  category?: string;
  output_node: boolean;
}

/** The answer of `/object_info`. */
export type NodeDefinitions = Record<string, NodeDefinition>;

/** A file as ComfyUI names it. */
export interface FileReference {
  filename: string;
  subfolder: string;
  type: 'input' | 'output' | 'temp';
}

/** Longer names fit into no folder of a container. */
export const maxNameBytes = 255;
export const maxSubfolderBytes = 1_000;
/** Its whole characters within so many bytes. */
export function cut(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** What must not be in a name. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
export const controlCharacters = /[\u0000-\u001f\u007f]/g;

/** Below a container's input folder, where the fleet uploads to. */
export const uploadFolder = 'comfleet';

/** Where an asset lies there under a name: by content, so that equal names never meet. */
export function uploadName({ asset, name }: { readonly asset: string; readonly name: string }): string {
  const base = name.replaceAll('\\', '/').split('/').at(-1) ?? '';
  return `${uploadFolder}/${asset.replace(/^\w+:/, '').slice(0, 32)}/${base}`;
}

/** The file that an item of a node's UI output names; null when it is something else. */
export function fileReference(value: Json): FileReference | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { filename, subfolder, type } = value;
  if (typeof filename !== 'string' || filename === '') return null;
  return {
    filename,
    subfolder: typeof subfolder === 'string' ? subfolder : '',
    type: type === 'input' || type === 'temp' ? type : 'output',
  };
}

/** An entry of `/history`. */
export interface HistoryEntry {
  prompt: [number, string, Graph, Record<string, Json>, string[]];
  /** By node; null for a twin of a node that ran. */
  outputs: Record<string, Record<string, Json> | null>;
  /** Which node of the graph an output belongs to: nodes that expand at run time have inner ones. */
  meta?: Record<string, { display_node: string }>;
  status: { status_str: 'success' | 'error'; completed: boolean; messages: [string, Record<string, Json>][] };
}

/** The body of a 400 from `POST /prompt`. */
export interface PromptRefusal {
  error: { type: string; message: string; details: string; extra_info: Record<string, Json> };
  node_errors: Record<string, { errors: { type: string; message: string; details: string }[]; class_type: string }>;
}
