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
  /** What it holds; empty: nothing yet. */
  model: string;
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
  /** Milliseconds of loading a model onto a GPU that does not hold it. */
  readonly loadMs: (model: string) => number;
  readonly onLoaded: (ms: number) => void;
  /** After so many milliseconds of its time on the GPU the job takes its container down; null: it does not. */
  readonly crashAfterMs: (gpuMs: number) => number | null;
  readonly onCrash: (container: string) => void;
}

/** What containers do with their prompts, as ComfyUI does it: one at a time on the GPU, first in first out. */
export class SimulatedGpus {
  readonly #input: SimulatedGpusInput;
  readonly #gpus = new Map<string, Gpu>();
  /** Models that were loaded in place of others. */
  switches = 0;
  /** Models that were loaded onto GPUs that held none. */
  firstLoads = 0;

  constructor(input: SimulatedGpusInput) {
    this.#input = input;
  }

  add(container: string): void {
    this.#gpus.set(container, { model: '', running: null, waiting: [], runs: new Set() });
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
    const gpuMs = this.#load(gpu, run.job.model) + run.job.serviceMs;
    const crashMs = this.#input.crashAfterMs(gpuMs);
    if (crashMs === null) this.#in(gpuMs, run, () => this.#free(gpu, run));
    else this.#in(crashMs, run, () => this.#input.onCrash(run.container));
    this.#input.onTaken(run);
  }

  /** Milliseconds until the GPU holds the model. */
  #load(gpu: Gpu, model: string): number {
    if (model === '' || gpu.model === model) return 0;
    if (gpu.model === '') this.firstLoads++;
    else this.switches++;
    gpu.model = model;
    const loadMs = this.#input.loadMs(model);
    this.#input.onLoaded(loadMs);
    return loadMs;
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
