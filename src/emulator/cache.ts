import { createHash } from 'node:crypto';
import type { Graph, Json } from '../comfyui/protocol.ts';
import { linkOf } from './order.ts';

/** What a node showed its client: images, text, ... */
export type UiOutput = Record<string, Json>;

/** Which node made a UI output. */
export interface Origin {
  readonly node_id: string;
  readonly display_node: string;
  readonly parent_node: null;
  readonly real_node_id: string;
}

export interface CacheEntry {
  readonly outputs: readonly unknown[];
  readonly ui: { readonly output: UiOutput; readonly meta: Origin } | null;
}

/**
 * Keys of a graph's nodes by what they do: class, constants, the same of all ancestors, and what the class says of change. Node ids
 * do not count. Nodes that hang on a circle or on a missing node get a key of their own.
 */
export function cacheKeys(graph: Graph, changes: ReadonlyMap<string, string>): Map<string, string> {
  const keys = new Map<string, string>();
  const keyOf = (id: string): string => {
    const known = keys.get(id);
    if (known !== undefined) return known;
    keys.set(id, `unfinished ${id}`);
    const node = graph[id];
    if (!node?.inputs) return `broken ${id}`;
    const inputs = Object.keys(node.inputs)
      .sort()
      .map((name) => {
        const link = linkOf(node.inputs[name]);
        return link ? [name, keyOf(link[0]), link[1]] : [name, node.inputs[name]];
      });
    const text = JSON.stringify([node.class_type, changes.get(id) ?? null, inputs]);
    const key = createHash('sha1').update(text).digest('base64');
    keys.set(id, key);
    return key;
  };
  for (const id of Object.keys(graph)) keyOf(id);
  return keys;
}

/** The classic cache: results of the last prompt's nodes. */
export class NodeCache {
  readonly #entries = new Map<string, CacheEntry>();

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  set(key: string, entry: CacheEntry): void {
    this.#entries.set(key, entry);
  }

  /** A new prompt begins: forgets all that is not in it. */
  keepOnly(keys: Iterable<string>): void {
    const wanted = new Set(keys);
    for (const key of this.#entries.keys()) if (!wanted.has(key)) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
