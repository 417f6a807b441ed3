import type { Graph, GraphNode, Json } from '../comfyui/protocol.ts';
import { str } from './python.ts';

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

  constructor(graph: Graph, options: { isCached: (id: string) => boolean; isOutput: (id: string) => boolean }) {
    this.#graph = graph;
    this.#isCached = options.isCached;
    this.#isOutput = options.isOutput;
  }

  /** Adds a node and all that it needs and that is not cached. */
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
    const ready = [...this.#pending.keys()].filter((id) => this.#pending.get(id) === 0);
    const blockedBy = (id: string): string[] => [...(this.#blocking.get(id) ?? [])];
    return (
      ready.find(this.#isOutput) ??
      ready.find((id) => blockedBy(id).some(this.#isOutput)) ??
      ready.find((id) => blockedBy(id).some((blocked) => blockedBy(blocked).some(this.#isOutput))) ??
      ready[0] ??
      null
    );
  }

  /** The node has run: what waited for it may. */
  done(id: string): void {
    for (const waiting of this.#blocking.get(id) ?? []) this.#pending.set(waiting, (this.#pending.get(waiting) as number) - 1);
    this.#pending.delete(id);
    this.#blocking.delete(id);
  }
}
