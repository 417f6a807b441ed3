import type { Timer } from '../fleet/clock.ts';
import { kinds, type Timeline } from './timeline.ts';
import type { TraceJob } from './trace.ts';

/** One try of a job on a container. */
export interface Run {
  /** Which job it is, in the order of arrival. */
  readonly number: number;
  readonly id: string;
  readonly job: TraceJob;
  readonly container: string;
  readonly boundAt: number;
  /** What comes next for it. */
  timer: Timer | null;
}

interface Gpu {
  running: Run | null;
  /** Prompts in the container's own queue. */
  readonly waiting: Run[];
  /** All that are bound to the container. */
  readonly runs: Set<Run>;
}

export interface SimulatedGpusInput {
  readonly timeline: Timeline;
  /** What a job takes before it is in its container's queue (upload, submit) and after its GPU time (collect, download), milliseconds. */
  readonly outsideMs: { readonly before: number; readonly after: number };
  /** The GPU begins with the job. */
  readonly onTaken: (run: Run) => void;
  /** The GPU has done the job; its outputs are yet to be collected. */
  readonly onFreed: (run: Run) => void;
  readonly onEnded: (run: Run) => void;
}

/** What containers do with their prompts, as ComfyUI does it: one at a time on the GPU, first in first out. */
export class SimulatedGpus {
  readonly #input: SimulatedGpusInput;
  readonly #gpus = new Map<string, Gpu>();

  constructor(input: SimulatedGpusInput) {
    this.#input = input;
  }

  add(container: string): void {
    this.#gpus.set(container, { running: null, waiting: [], runs: new Set() });
  }

  /** The container is gone; the tries that it takes with it come to nothing and are returned in the order in which they were bound. */
  remove(container: string): Run[] {
    const lost = [...(this.#gpus.get(container)?.runs ?? [])];
    for (const run of lost) run.timer?.cancel();
    this.#gpus.delete(container);
    return lost;
  }

  /** Sends a job to its container. */
  submit(run: Run): void {
    const gpu = this.#gpus.get(run.container) as Gpu;
    gpu.runs.add(run);
    const { before } = this.#input.outsideMs;
    if (before === 0) this.#enter(gpu, run);
    else this.#in(before, run, () => this.#enter(gpu, run));
  }

  #enter(gpu: Gpu, run: Run): void {
    if (gpu.running) gpu.waiting.push(run);
    else this.#take(gpu, run);
  }

  #take(gpu: Gpu, run: Run): void {
    gpu.running = run;
    this.#in(run.job.serviceMs, run, () => this.#free(gpu, run));
    this.#input.onTaken(run);
  }

  #free(gpu: Gpu, run: Run): void {
    gpu.running = null;
    const next = gpu.waiting.shift();
    if (next) this.#take(gpu, next);
    this.#input.onFreed(run);
    const { after } = this.#input.outsideMs;
    if (after === 0) this.#end(gpu, run);
    else this.#in(after, run, () => this.#end(gpu, run));
  }

  #end(gpu: Gpu, run: Run): void {
    gpu.runs.delete(run);
    this.#input.onEnded(run);
  }

  #in(ms: number, run: Run, then: () => void): void {
    const { timeline } = this.#input;
    run.timer = timeline.set(timeline.now() + ms, kinds.completion, then);
  }
}
