import type { Graph, GraphNode, Json } from '../comfyui/protocol.ts';
import { str } from '../comfyui/python.ts';

/** `[node id, output]` where an input is a link; null for constants. */
export function linkOf(value: Json | undefined): readonly [id: string, output: number] | null {
  return Array.isArray(value) && value.length === 2 ? [str(value[0]), Number(value[1])] : null;
}

/** The ids of the nodes that a node takes something from, in the order of its inputs. */
export function sourcesOf(node: GraphNode): string[] {
  return Object.values(node.inputs).flatMap((value) => linkOf(value)?.[0] ?? []);
}

/**
 * In which order the nodes of a prompt run: whatever is ready, but output nodes first, then what leads to an output in one step or
 * two, then the first that was found.
 */
export class ExecutionOrder {
  readonly #graph: Graph;
  readonly #isCached: (id: string) => boolean;
  readonly #isOutput: (id: string) => boolean;
  /** Nodes to run -> how many nodes they still wait for; in the order in which they were found. */
  readonly #pending = new Map<string, number>();
  /** Nodes -> those that wait for them. */
  readonly #blocking = new Map<string, Set<string>>();
  /** Nodes that may run, by rank, each list in the order in which they were found; null: not sorted yet. */
  #ready: Place[][] | null = null;
  #places = new Map<string, Place>();

  constructor(graph: Graph, options: { isCached: (id: string) => boolean; isOutput: (id: string) => boolean }) {
    this.#graph = graph;
    this.#isCached = options.isCached;
    this.#isOutput = options.isOutput;
  }

  /** Adds a node and all that it needs and that is not cached. All are added before the first is asked for. */
  add(id: string): void {
    const stack = [id];
    const links: [from: string, to: string][] = [];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (this.#pending.has(next)) continue;
      this.#pending.set(next, 0);
      this.#blocking.set(next, new Set());
      for (const source of sourcesOf(this.#graph[next] as GraphNode)) {
        if (this.#isCached(source)) continue;
        stack.push(source);
        links.push([source, next]);
      }
    }
    for (const [from, to] of links) {
      const waiting = this.#blocking.get(from) as Set<string>;
      if (!waiting.has(to)) this.#pending.set(to, (this.#pending.get(to) as number) + 1);
      waiting.add(to);
    }
  }

  /** The node to run now; null when all have run. */
  next(): string | null {
    this.#ready ??= this.#sort();
    return this.#ready.find((list) => list.length > 0)?.[0]?.id ?? null;
  }

  /** The node has run: what waited for it may. */
  done(id: string): void {
    const { rank } = this.#places.get(id) as Place;
    const list = this.#ready?.[rank] ?? [];
    list.splice(
      list.findIndex((place) => place.id === id),
      1,
    );
    for (const waiting of this.#blocking.get(id) ?? []) {
      const left = (this.#pending.get(waiting) as number) - 1;
      this.#pending.set(waiting, left);
      if (left === 0) this.#insert(this.#places.get(waiting) as Place);
    }
  }

  #sort(): Place[][] {
    this.#ready = [[], [], [], []];
    let found = 0;
    for (const [id, waitsFor] of this.#pending) {
      const place = { id, rank: this.#rank(id), found: found++ };
      this.#places.set(id, place);
      if (waitsFor === 0) this.#ready[place.rank]?.push(place);
    }
    return this.#ready;
  }

  #rank(id: string): number {
    if (this.#isOutput(id)) return 0;
    const next = [...(this.#blocking.get(id) ?? [])];
    if (next.some(this.#isOutput)) return 1;
    return next.some((one) => [...(this.#blocking.get(one) ?? [])].some(this.#isOutput)) ? 2 : 3;
  }

  #insert(place: Place): void {
    const list = this.#ready?.[place.rank] ?? [];
    const at = list.findLastIndex((other) => other.found < place.found);
    list.splice(at + 1, 0, place);
  }
}

interface Place {
  readonly id: string;
  readonly rank: number;
  readonly found: number;
}
