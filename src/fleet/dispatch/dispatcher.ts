import { Heap } from './heap.ts';
import { JobQueue, type QueuedJob } from './queue.ts';

/** A container with at least one free place, as the dispatcher sees it. */
interface FreeContainer {
  readonly id: string;
  inFlight: number;
  maxInputs: number;
  /** Places beside maxInputs: its jobs that have let the next one come. */
  extra: number;
  modelKey: string;
  lastUsedAt: number;
}

export interface Assignment {
  readonly job: QueuedJob;
  readonly container: string;
  /** Why this container, in words for the decision log. */
  readonly reason: string;
}

/**
 * Which queued job goes to which container, for one deployment. Late binding: a job stays in the queue until a place is free. Of the
 * free containers the least loaded come first, among them one that holds the job's models, then the most recently used, so that
 * the others can go. Pure in-memory state fed by events; each costs O(log n).
 */
export class Dispatcher {
  readonly queue = new JobQueue();
  readonly #containers = new Map<string, FreeContainer>();
  readonly #free = new Heap<FreeContainer>(goesFirst);
  readonly #freeByModel = new Map<string, Heap<FreeContainer>>();

  /** A container is ready to take jobs (or takes them again). */
  addContainer(input: { id: string; maxInputs: number; inFlight: number; modelKey: string; at: number }): void {
    this.removeContainer(input.id);
    const container: FreeContainer = {
      id: input.id,
      inFlight: input.inFlight,
      maxInputs: input.maxInputs,
      extra: 0,
      modelKey: input.modelKey,
      lastUsedAt: input.at,
    };
    this.#containers.set(input.id, container);
    this.#index(container);
  }

  /** The container takes no more jobs: draining, stopped or lost. */
  removeContainer(id: string): void {
    const container = this.#containers.get(id);
    if (!container) return;
    this.#unindex(container);
    this.#containers.delete(id);
  }

  /** max_inputs changed: containers with more in flight finish what they have. */
  setMaxInputs(maxInputs: number): void {
    for (const container of this.#containers.values()) {
      container.maxInputs = maxInputs;
      this.#index(container);
    }
  }

  /** A job runs on the container that this dispatcher has not bound: it was followed over a restart. */
  jobFollowed(id: string): void {
    this.#change(id, (container) => container.inFlight++);
  }

  /** A job of the container no longer stands in the way of the next one: a place more until `closeNext`. */
  openNext(id: string): void {
    this.#change(id, (container) => container.extra++);
  }

  closeNext(id: string): void {
    this.#change(id, (container) => container.extra--);
  }

  /** One of the container's jobs ended at `at`. */
  jobEnded(id: string, at: number): void {
    this.#change(id, (container) => {
      container.inFlight--;
      container.lastUsedAt = at;
    });
  }

  /** Binds the next job to the best free place; undefined when nothing waits or nothing is free. */
  next(now: number, predictedSeconds: number): Assignment | undefined {
    this.queue.turn(now);
    const job = this.queue.peek();
    const best = this.#free.peek();
    if (!job || !best) return undefined;
    const holder = job.modelKey === '' ? undefined : this.#freeByModel.get(job.modelKey)?.peek();
    const chosen = holder && holder.inFlight === best.inFlight ? holder : best;
    const reason = chosen === holder ? 'holds the models' : chosen.inFlight > 0 ? 'least loaded' : 'most recently used';
    this.queue.take(predictedSeconds);
    this.#unindex(chosen);
    chosen.inFlight++;
    chosen.modelKey = job.modelKey === '' ? chosen.modelKey : job.modelKey;
    chosen.lastUsedAt = now;
    this.#index(chosen);
    return { job, container: chosen.id, reason };
  }

  #change(id: string, change: (container: FreeContainer) => void): void {
    const container = this.#containers.get(id);
    if (!container) return;
    this.#unindex(container);
    change(container);
    this.#index(container);
  }

  #index(container: FreeContainer): void {
    if (container.inFlight >= container.maxInputs + container.extra) return this.#unindex(container);
    this.#free.put(container);
    let holders = this.#freeByModel.get(container.modelKey);
    if (!holders) this.#freeByModel.set(container.modelKey, (holders = new Heap(goesFirst)));
    holders.put(container);
  }

  #unindex(container: FreeContainer): void {
    this.#free.remove(container);
    const holders = this.#freeByModel.get(container.modelKey);
    holders?.remove(container);
    if (holders?.size === 0) this.#freeByModel.delete(container.modelKey);
  }
}

function goesFirst(a: FreeContainer, b: FreeContainer): boolean {
  if (a.inFlight !== b.inFlight) return a.inFlight < b.inFlight;
  if (a.lastUsedAt !== b.lastUsedAt) return a.lastUsedAt > b.lastUsedAt;
  return a.id < b.id;
}
