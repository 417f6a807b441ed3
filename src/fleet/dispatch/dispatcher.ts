import { Heap } from './heap.ts';
import { Popularity } from './popularity.ts';
import { choose } from './reorder.ts';
import { JobQueue, type QueuedJob } from './queue.ts';

/** A container as the dispatcher sees it. */
interface Place {
  readonly id: string;
  inFlight: number;
  maxInputs: number;
  /** Places beside maxInputs: its jobs that have let the next one come. */
  extra: number;
  modelKey: string;
  lastUsedAt: number;
  /** When the job that was bound last is expected to end. */
  until: number;
  /** Where it is among those with the same models: the free ones or the full ones; null: not yet anywhere. */
  among: { readonly byModel: ByModel; readonly modelKey: string; readonly heap: Heap<Place> } | null;
}

type ByModel = Map<string, Heap<Place>>;

export interface Assignment {
  readonly job: QueuedJob;
  readonly container: string;
  /** Why this container, in words for the decision log. */
  readonly reason: string;
}

/**
 * Which queued job goes to which container, for one deployment. Late binding: a job stays in the queue until a place is free. Of the
 * free containers the least loaded come first, among them one that holds the job's models, then one that holds none, then the most recently
 * used, so that the others can go. Where a job's models would take the place of others, those that are wanted least go, and the order of
 * the queue bends within bounds to avoid it (`reorder.ts`). Pure in-memory state fed by events; each costs O(log n), and a look at the head
 * of the queue where models have to be loaded.
 */
export class Dispatcher {
  readonly queue = new JobQueue();
  /** When `next` would do something that it did not do last time, if nothing happens before; null: it would not. */
  lookAt: number | null = null;
  readonly #containers = new Map<string, Place>();
  readonly #free = new Heap<Place>(goesFirst);
  /** Those without a free place. */
  readonly #busyByModel: ByModel = new Map();
  readonly #popularity = new Popularity();
  readonly #freeByModel: ByModel = new Map();

  /** A container is ready to take jobs (or takes them again). */
  addContainer(input: { id: string; maxInputs: number; inFlight: number; modelKey: string; at: number }): void {
    this.removeContainer(input.id);
    const container: Place = {
      id: input.id,
      inFlight: input.inFlight,
      maxInputs: input.maxInputs,
      extra: 0,
      modelKey: input.modelKey,
      lastUsedAt: input.at,
      until: input.at,
      among: null,
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

  /**
   * Binds the next job to the best free place; undefined when nothing waits, nothing is free, or what waits is better off with a container
   * that is busy (`lookAt` then tells until when). `loadMs`: what loading models takes; null: not known.
   */
  next(now: number, predictedSeconds: number, loadMs: number | null = null): Assignment | undefined {
    this.lookAt = null;
    this.queue.turn(now);
    const best = this.#free.peek();
    let job = this.queue.peek();
    if (!job || !best) return undefined;
    if (!this.#fits(job, best)) {
      const fits = (other: QueuedJob): boolean => this.#fits(other, best);
      const mayWaitUntil = (other: QueuedJob, others: number): number | null => this.#worthWaiting(other, others, now, loadMs);
      ({ job, lookAt: this.lookAt } = choose(this.queue, { now, predictedSeconds, fits, mayWaitUntil }));
      if (!job) return undefined;
    }
    const { place, reason } = this.#placeFor(job, best);
    this.queue.take(predictedSeconds, job);
    if (job.modelKey !== '') this.#popularity.add(job.modelKey);
    place.inFlight++;
    place.modelKey = job.modelKey === '' ? place.modelKey : job.modelKey;
    place.lastUsedAt = now;
    place.until = now + predictedSeconds * 1000;
    this.#index(place);
    return { job, container: place.id, reason };
  }

  /** Can it begin on one of the least loaded free containers without taking another model off it? */
  #fits(job: QueuedJob, best: Place): boolean {
    return job.modelKey === '' || this.#holder(job.modelKey, best) !== undefined || this.#holder('', best) !== undefined;
  }

  #placeFor(job: QueuedJob, best: Place): { place: Place; reason: string } {
    const usual = { place: best, reason: best.inFlight > 0 ? 'least loaded' : 'most recently used' };
    if (job.modelKey === '') return usual;
    const holder = this.#holder(job.modelKey, best);
    if (holder) return { place: holder, reason: 'holds the models' };
    const empty = this.#holder('', best);
    if (empty) return empty === best ? usual : { place: empty, reason: 'holds no models yet' };
    const place = this.#leastWanted(best);
    return place === best ? usual : { place, reason: 'holds the models that are wanted least' };
  }

  /** The best free container that holds the models and is as little loaded as the best of all. */
  #holder(modelKey: string, best: Place): Place | undefined {
    const holder = this.#freeByModel.get(modelKey)?.peek();
    return holder?.inFlight === best.inFlight ? holder : undefined;
  }

  /**
   * What a container with these models saves: they share what is asked, and each beyond the first saves a load only while the others are busy.
   * The square stands for both; it was better than no or the first power on two generators with few and many models per container.
   */
  #worth(modelKey: string): number {
    const copies = (this.#freeByModel.get(modelKey)?.size ?? 0) + (this.#busyByModel.get(modelKey)?.size ?? 0);
    return this.#popularity.of(modelKey) / copies ** 2;
  }

  #leastWanted(best: Place): Place {
    let least = best;
    for (const holders of this.#freeByModel.values()) {
      const place = holders.peek() as Place;
      const apart = this.#worth(place.modelKey) - this.#worth(least.modelKey);
      if (place.inFlight === best.inFlight && apart < 0) least = place;
    }
    return least;
  }

  /**
   * Until when the job may wait for a busy container with its models: one that is expected to be free before they could be loaded, each waited
   * for by one job. When that turns out wrong it waits on for as long as the load takes, and no longer: so being wrong costs at most
   * twice what being right would have (the rule of whoever rents skis without knowing for how long).
   */
  #worthWaiting({ modelKey }: QueuedJob, others: number, now: number, loadMs: number | null): number | null {
    if (loadMs === null) return null;
    let taken = others;
    for (const { until } of this.#busyByModel.get(modelKey)?.inOrder() ?? []) {
      if (taken-- === 0) return until - now < loadMs ? until + loadMs : null;
    }
    return null;
  }

  #change(id: string, change: (container: Place) => void): void {
    const container = this.#containers.get(id);
    if (!container) return;
    change(container);
    this.#index(container);
  }

  /** Puts it where it belongs now. Call after every change. */
  #index(place: Place): void {
    const isFree = place.inFlight < place.maxInputs + place.extra;
    const byModel = isFree ? this.#freeByModel : this.#busyByModel;
    const { modelKey } = place;
    let heap = byModel.get(modelKey);
    if (!heap) byModel.set(modelKey, (heap = new Heap(isFree ? goesFirst : endsFirst)));
    if (place.among?.heap !== heap) {
      this.#unindex(place);
      place.among = { byModel, modelKey, heap };
    }
    heap.put(place);
    if (isFree) this.#free.put(place);
  }

  #unindex(place: Place): void {
    const { among } = place;
    if (!among) return;
    place.among = null;
    if (among.byModel === this.#freeByModel) this.#free.remove(place);
    among.heap.remove(place);
    if (among.heap.size === 0) among.byModel.delete(among.modelKey);
  }
}

const endsFirst = (a: Place, b: Place): boolean => (a.until === b.until ? a.id < b.id : a.until < b.until);

function goesFirst(a: Place, b: Place): boolean {
  if (a.inFlight !== b.inFlight) return a.inFlight < b.inFlight;
  if (a.lastUsedAt !== b.lastUsedAt) return a.lastUsedAt > b.lastUsedAt;
  return a.id < b.id;
}
