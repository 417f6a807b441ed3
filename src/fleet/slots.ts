import type { Slot } from './container.ts';

/**
 * Which slots of the runtime are taken. Gives out the lowest free one, so that life lines stay on the same rows; those on which the last start
 * failed only when there is no other, so that a server or a GPU that is down does not keep jobs from those that work.
 */
export class Slots {
  readonly #slots: Slot[];
  readonly #takenBy = new Map<number, string>();
  readonly #placeOf = new Map<string, number>();
  /** Places whose last start failed, the one that failed longest ago first. */
  readonly #failed = new Set<number>();
  /** None below it is free and without a failure. */
  #lowestFree = 0;

  constructor(slots: readonly Slot[]) {
    this.#slots = [...slots];
  }

  get total(): number {
    return this.#slots.length;
  }

  get free(): number {
    return this.#slots.length - this.#takenBy.size;
  }

  /** GPU and share of it that the next container would take; none of a GPU when no slot is free. */
  get next(): Pick<Slot, 'gpu' | 'share'> {
    return this.#slots[this.#next()] ?? { gpu: null, share: 0 };
  }

  /** Shows later what is learnt of them. */
  all(): readonly Slot[] {
    return this.#slots;
  }

  /** Takes a free slot for a container; undefined when all are taken. */
  take(container: string): Slot | undefined {
    const place = this.#next();
    const slot = this.#slots[place];
    if (slot) this.#mark(place, container);
    return slot;
  }

  /** Takes the very slot that an adopted container occupies; a slot that is not there any more takes none. */
  adopt(container: string, slot: Slot): void {
    const place = this.#slots.findIndex(
      (candidate, index) => candidate.host === slot.host && candidate.device === slot.device && !this.#takenBy.has(index),
    );
    if (place >= 0) this.#mark(place, container);
  }

  /** The GPU of a container's slot, which was not known before. */
  learn(container: string, { gpu, share }: Pick<Slot, 'gpu' | 'share'>): void {
    const place = this.#placeOf.get(container);
    const slot = place === undefined ? undefined : this.#slots[place];
    if (place !== undefined && slot) this.#slots[place] = { ...slot, gpu, share };
  }

  /** Frees the slot of a container that is gone; `startFailed`: it never was ready. */
  release(container: string, startFailed = false): void {
    const place = this.#placeOf.get(container);
    if (place === undefined) return;
    this.#placeOf.delete(container);
    this.#takenBy.delete(place);
    this.#failed.delete(place);
    if (startFailed) this.#failed.add(place);
    else this.#lowestFree = Math.min(this.#lowestFree, place);
  }

  #mark(place: number, container: string): void {
    this.#takenBy.set(place, container);
    this.#placeOf.set(container, place);
  }

  /** The place to take next; one behind the last when all are taken. */
  #next(): number {
    while (this.#takenBy.has(this.#lowestFree) || this.#failed.has(this.#lowestFree)) this.#lowestFree++;
    if (this.#lowestFree < this.#slots.length) return this.#lowestFree;
    for (const place of this.#failed) if (!this.#takenBy.has(place)) return place;
    return this.#slots.length;
  }
}
