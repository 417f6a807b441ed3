import { rm } from 'node:fs/promises';
import type { Clock } from '../fleet/clock.ts';
import { Lately } from './lately.ts';
import { sizeOf } from './place.ts';

/** Who comes and who goes: keeps the puts and removals of the same file from getting in each other's way. */
export class Presence {
  readonly #pathOf: (id: string) => string;
  readonly #lately: Lately;
  /** Files being put in place, so that two puts of the same bytes are both told only when they are safe. */
  readonly #placing = new Map<string, Promise<void>>();
  /** Files being removed: whoever wants one must not take it for one that is there. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(pathOf: (id: string) => string, clock: Pick<Clock, 'now'>) {
    this.#pathOf = pathOf;
    this.#lately = new Lately(clock);
  }

  /** Size of the file that is there after what is under way, and stays there for now; null: none. */
  async keep(id: string): Promise<number | null> {
    this.#lately.note(id);
    await this.#removing.get(id)?.catch(() => undefined);
    return sizeOf(this.#pathOf(id));
  }

  /** Runs `place` unless the same file is being placed or is there already. */
  place(id: string, place: (path: string) => Promise<void>): Promise<void> {
    const running = this.#placing.get(id);
    if (running) return running;
    const placed = this.keep(id)
      .then((size) => (size === null ? place(this.#pathOf(id)) : undefined))
      .finally(() => {
        this.#placing.delete(id);
        // The time for naming it begins when it is told.
        this.#lately.note(id);
      });
    this.#placing.set(id, placed);
    return placed;
  }

  /** Removes a file unless it was put or kept lately; its size if it stays. */
  async remove(id: string): Promise<number | null> {
    const path = this.#pathOf(id);
    if (this.#lately.has(id)) return sizeOf(path);
    const removal = rm(path, { force: true }).finally(() => this.#removing.delete(id));
    this.#removing.set(id, removal);
    await removal;
    return null;
  }
}
