import type { Clock, Timer } from '../clock.ts';
import type { Observations } from '../learning/observations.ts';
import type { Dispatcher } from './dispatcher.ts';

export interface OverlapDependencies {
  readonly clock: Clock;
  readonly observations: Pick<Observations, 'nextAt'>;
  readonly dispatcher: Pick<Dispatcher, 'openNext' | 'closeNext'>;
  /** Is it wanted now? */
  readonly enabled: () => boolean;
  /** A container has a place more. */
  readonly onOpen: () => void;
}

interface Bound {
  readonly container: string;
  /** It has let the next one come. */
  opened: boolean;
  timer: Timer | null;
}

/**
 * Late binding with a depth of two: the next prompt is bound to a busy container so that it arrives just when the GPU is free, which hides
 * what jobs spend outside the GPU. A prompt lets one more come once in its life: when its predicted end on the GPU is no farther than
 * prompts take from being bound to the GPU, at the latest when it has freed the GPU. So at most one waits at a container beside those that
 * run or only collect outputs. For containers that take one prompt at a time.
 */
export class Overlap {
  readonly #deps: OverlapDependencies;
  readonly #prompts = new Map<string, Bound>();

  constructor(deps: OverlapDependencies) {
    this.#deps = deps;
  }

  bound(job: string, container: string): void {
    this.#prompts.set(job, { container, opened: false, timer: null });
  }

  /** The GPU began with the job's prompt, and the observations know it. */
  taken(job: string): void {
    const prompt = this.#prompts.get(job);
    if (!prompt || prompt.timer || !this.#deps.enabled()) return;
    const at = this.#deps.observations.nextAt(job);
    if (at !== null) prompt.timer = this.#deps.clock.at(at, () => this.#open(prompt));
  }

  /** The prompt has ended on its container; its outputs are yet to be collected. */
  freed(job: string): void {
    const prompt = this.#prompts.get(job);
    if (!prompt) return;
    prompt.timer?.cancel();
    this.#open(prompt);
  }

  /** The job has ended, or its container is lost. Call before the dispatcher hears that the job ended. */
  ended(job: string): void {
    const prompt = this.#prompts.get(job);
    if (!prompt) return;
    this.#prompts.delete(job);
    prompt.timer?.cancel();
    if (prompt.opened) this.#deps.dispatcher.closeNext(prompt.container);
  }

  /** Nothing opens any more. */
  close(): void {
    for (const prompt of this.#prompts.values()) prompt.timer?.cancel();
  }

  #open(prompt: Bound): void {
    if (prompt.opened || !this.#deps.enabled()) return;
    prompt.opened = true;
    this.#deps.dispatcher.openNext(prompt.container);
    this.#deps.onOpen();
  }
}
