import { createHash } from 'node:crypto';
import type { Graph, GraphNode, Json } from '../comfyui/protocol.ts';
import type { ServerSettings } from './flags.ts';
import { linkOf, sourcesOf } from './order.ts';

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
  /** By output slot: a list, since a node runs once for each item that it is given. */
  readonly outputs: readonly (readonly unknown[])[];
  readonly ui: { readonly output: UiOutput; readonly meta: Origin } | null;
}

/**
 * Keys of a graph's nodes by what they do: class, constants, the same of all ancestors, and what the class says of change. Node ids
 * do not count, but for classes that ask for theirs. Nodes that hang on a circle or on a missing node get a key of their own.
 * Without recursion, since a chain may have thousands of nodes.
 */
export function cacheKeys(graph: Graph, changes: ReadonlyMap<string, string>, usesId: (classType: string) => boolean): Map<string, string> {
  const keys = new Map<string, string>();
  const path: { id: string; left: string[] }[] = [];
  const enter = (id: string): void => {
    if (keys.has(id)) return;
    const node = graph[id];
    keys.set(id, `${node?.inputs ? 'unfinished' : 'broken'} ${id}`);
    if (node?.inputs) path.push({ id, left: sourcesOf(node).reverse() });
  };
  for (const start of Object.keys(graph)) {
    enter(start);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.left.pop();
      if (next !== undefined) enter(next);
      else {
        const node = graph[top.id] as GraphNode;
        keys.set(top.id, keyOf(node, keys, changes.get(top.id) ?? null, usesId(node.class_type) ? top.id : null));
        path.pop();
      }
    }
  }
  return keys;
}

/** The key of a node whose sources have theirs. */
function keyOf({ class_type, inputs }: GraphNode, keys: ReadonlyMap<string, string>, change: string | null, id: string | null): string {
  const named = Object.keys(inputs)
    .sort()
    .map((name) => {
      const link = linkOf(inputs[name]);
      return link ? [name, keys.get(link[0]), link[1]] : [name, inputs[name]];
    });
  return createHash('sha1')
    .update(JSON.stringify([class_type, change, id, named]))
    .digest('base64');
}

/** How results outlive their prompt. */
export type CacheKind = ServerSettings['cache'];

interface Kept {
  readonly entry: CacheEntry;
  /** The prompt that used it last. */
  prompt: number;
}

/** Results of nodes by key. */
export class NodeCache {
  readonly #kind: CacheKind;
  readonly #kept = new Map<string, Kept>();
  #prompt = 0;

  constructor(kind: CacheKind) {
    this.#kind = kind;
  }

  get(key: string): CacheEntry | undefined {
    return this.#kept.get(key)?.entry;
  }

  set(key: string, entry: CacheEntry): void {
    this.#kept.set(key, { entry, prompt: this.#prompt });
  }

  /** A prompt with these keys begins: what need not be kept for it is forgotten. */
  begin(keys: Iterable<string>): void {
    this.#prompt++;
    for (const key of keys) {
      const kept = this.#kept.get(key);
      if (kept) kept.prompt = this.#prompt;
    }
    const kind = this.#kind;
    if (kind.kind === 'none') this.#kept.clear();
    else if (kind.kind === 'classic') this.#forgetBefore(this.#prompt);
    // Whole prompts go, the oldest first, until few enough results are left.
    else while (this.#kept.size > kind.size && this.#oldest() < this.#prompt) this.#forgetBefore(this.#oldest() + 1);
  }

  clear(): void {
    this.#kept.clear();
  }

  #oldest(): number {
    let oldest = this.#prompt;
    for (const { prompt } of this.#kept.values()) oldest = Math.min(oldest, prompt);
    return oldest;
  }

  #forgetBefore(prompt: number): void {
    for (const [key, kept] of this.#kept) if (kept.prompt < prompt) this.#kept.delete(key);
  }
}
