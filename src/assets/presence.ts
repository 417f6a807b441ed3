import type { Clock } from '../fleet/clock.ts';
import { Lately } from './lately.ts';

/** Where files lie. */
interface Files {
  /** In bytes; null: there is none. */
  size(id: string): Promise<number | null>;
  remove(id: string): Promise<unknown>;
}

/** Who comes and who goes: keeps the puts and removals of the same file from getting in each other's way. */
export class Presence {
  readonly #files: Files;
  readonly #lately: Lately;
  /** Files being put in place, so that two puts of the same bytes are both told only when they are safe. */
  readonly #placing = new Map<string, Promise<unknown>>();
  /** Files being removed: whoever wants one must not take it for one that is there. */
  readonly #removing = new Map<string, Promise<unknown>>();

  constructor(files: Files, clock: Pick<Clock, 'now'>) {
    this.#files = files;
    this.#lately = new Lately(clock);
  }

  /** Size of the file that is there after what is under way, and stays there for now; null: none. */
  async keep(id: string): Promise<number | null> {
    await this.#come(id);
    return this.#files.size(id);
  }

  /** Runs `place` unless the same file is being placed. */
  place(id: string, place: () => Promise<unknown>): Promise<unknown> {
    const running = this.#placing.get(id);
    if (running) return running;
    const placed = this.#come(id)
      .then(place)
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
    if (this.#lately.has(id)) return this.#files.size(id);
    const removal = this.#removing.get(id) ?? this.#files.remove(id).finally(() => this.#removing.delete(id));
    this.#removing.set(id, removal);
    await removal;
    return null;
  }

  async #come(id: string): Promise<void> {
    this.#lately.note(id);
    await this.#removing.get(id)?.catch(() => undefined);
  }
}
