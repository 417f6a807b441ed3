import { fileKindOf } from './definitions.ts';
import type { GraphNode } from './protocol.ts';
import type { ModelLoading } from './runner.ts';

/**
 * Times how a prompt loads its models. ComfyUI reads a model at its loader, but moves it to the GPU only when a sampler asks for it: so it
 * begins with the first loader that runs, and ends with the first step that a node reports after it (which counts with it), or, where none
 * reports steps, when the loaders are through. Loaders whose result is cached do not run. Times are the caller's.
 */
export class LoadingWatch {
  readonly #seconds: Record<string, number> = {};
  #from: number | null = null;
  #loaded: number | null = null;
  #firstStep: number | null = null;
  #loader: { classType: string; since: number } | null = null;

  /** The executor went on to this node; undefined: one that is not in the graph. */
  executing(node: GraphNode | undefined, at: number): void {
    this.#leaveLoader(at);
    if (!node || !loadsModel(node)) return;
    this.#from ??= at;
    this.#loader = { classType: node.class_type, since: at };
  }

  step(value: number, at: number): void {
    if (value > 0 && this.#from !== null) this.#firstStep ??= at;
  }

  /** What was seen until now; null when no loader ran. */
  seen(): ModelLoading | null {
    const to = this.#firstStep ?? this.#loaded;
    return this.#from === null || to === null ? null : { from: this.#from, to, seconds: this.#seconds };
  }

  #leaveLoader(at: number): void {
    if (!this.#loader) return;
    const { classType, since } = this.#loader;
    this.#seconds[classType] = (this.#seconds[classType] ?? 0) + (at - since) / 1000;
    this.#loader = null;
    this.#loaded = at;
  }
}

const loadsModel = (node: GraphNode): boolean =>
  Object.entries(node.inputs).some(
    ([field, value]) => typeof value === 'string' && fileKindOf(node, field, undefined)?.folder.startsWith('models'),
  );
