import { createHash } from 'node:crypto';
import type { Graph, Json } from '../comfyui/protocol.ts';
import type { ServerSettings } from './flags.ts';
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
  /** By output slot: a list, since a node runs once for each item that it is given. */
  readonly outputs: readonly (readonly unknown[])[];
  readonly ui: { readonly output: UiOutput; readonly meta: Origin } | null;
}

/**
 * Keys of a graph's nodes by what they do: class, constants, the same of all ancestors, and what the class says of change. Node ids
 * do not count, but for classes that ask for theirs. Nodes that hang on a circle or on a missing node get a key of their own.
 */
export function cacheKeys(graph: Graph, changes: ReadonlyMap<string, string>, usesId: (classType: string) => boolean): Map<string, string> {
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
    const text = JSON.stringify([node.class_type, changes.get(id) ?? null, usesId(node.class_type) ? id : null, inputs]);
    const key = createHash('sha1').update(text).digest('base64');
    keys.set(id, key);
    return key;
  };
  for (const id of Object.keys(graph)) keyOf(id);
  return keys;
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
