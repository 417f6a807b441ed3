import type { Clock, Timer } from '../clock.ts';
import type { Estimates } from '../estimates.ts';
import type { Dispatcher } from './dispatcher.ts';

export interface OverlapDependencies {
  readonly clock: Clock;
  readonly estimates: Estimates;
  readonly dispatcher: Pick<Dispatcher, 'openNext' | 'closeNext'>;
  /** Is it wanted now? What prompts teach is learnt in any case. */
  readonly enabled: () => boolean;
  /** A container has a place more. */
  readonly onOpen: () => void;
}

interface Bound {
  readonly container: string;
  readonly workflow: string;
  readonly boundAt: number;
  /** No other prompt wanted the container's GPU when it was bound. */
  readonly alone: boolean;
  /** When the GPU began with it. */
  takenAt: number | null;
  freed: boolean;
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
  /** Prompts of a container that have not freed its GPU yet. */
  readonly #wanting = new Map<string, number>();

  constructor(deps: OverlapDependencies) {
    this.#deps = deps;
  }

  /** Jobs of a workflow (any name) take about as long. */
  bound(job: string, container: string, workflow: string): void {
    const wanting = this.#wanting.get(container) ?? 0;
    this.#wanting.set(container, wanting + 1);
    const boundAt = this.#deps.clock.now();
    this.#prompts.set(job, {
      container,
      workflow,
      boundAt,
      alone: wanting === 0,
      takenAt: null,
      freed: false,
      opened: false,
      timer: null,
    });
  }

  /** The GPU began with the job's prompt; only the first such word counts. */
  taken(job: string): void {
    const prompt = this.#prompts.get(job);
    if (!prompt || prompt.takenAt !== null || prompt.freed) return;
    const { clock, estimates } = this.#deps;
    prompt.takenAt = clock.now();
    if (prompt.alone) estimates.learnLead(prompt.takenAt - prompt.boundAt);
    const gpuMs = estimates.gpuMs(prompt.workflow);
    if (gpuMs === null || estimates.leadMs === null || !this.#deps.enabled()) return;
    prompt.timer = clock.at(prompt.takenAt + gpuMs - estimates.leadMs, () => this.#open(prompt));
  }

  /** The prompt has ended on its container; its outputs are yet to be collected. `whole`: it ran to its end, so its time teaches something. */
  freed(job: string, whole: boolean): void {
    const prompt = this.#prompts.get(job);
    if (!prompt || prompt.freed) return;
    this.#free(prompt);
    if (whole && prompt.takenAt !== null) this.#deps.estimates.learnGpu(prompt.workflow, this.#deps.clock.now() - prompt.takenAt);
    this.#open(prompt);
  }

  /** The job has ended, or its container is lost. Call before the dispatcher hears that the job ended. */
  ended(job: string): void {
    const prompt = this.#prompts.get(job);
    if (!prompt) return;
    this.#prompts.delete(job);
    if (!prompt.freed) this.#free(prompt);
    if (prompt.opened) this.#deps.dispatcher.closeNext(prompt.container);
  }

  /** Nothing opens any more. */
  close(): void {
    for (const prompt of this.#prompts.values()) prompt.timer?.cancel();
  }

  #free(prompt: Bound): void {
    prompt.freed = true;
    prompt.timer?.cancel();
    const wanting = (this.#wanting.get(prompt.container) ?? 0) - 1;
    if (wanting > 0) this.#wanting.set(prompt.container, wanting);
    else this.#wanting.delete(prompt.container);
  }

  #open(prompt: Bound): void {
    if (prompt.opened || !this.#deps.enabled()) return;
    prompt.opened = true;
    this.#deps.dispatcher.openNext(prompt.container);
    this.#deps.onOpen();
  }
}
