import type { Clock } from '../fleet/clock.ts';
import { namingMs } from './assets.ts';

/** Which assets were put or kept within `namingMs`. One process owns the files, so its memory suffices. */
export class Lately {
  readonly #clock: Pick<Clock, 'now'>;
  /** When each was put or kept last, the longest ago first. */
  readonly #usedAt = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  note(id: string): void {
    this.#usedAt.delete(id);
    this.#usedAt.set(id, this.#clock.now());
    this.#forget();
  }

  has(id: string): boolean {
    this.#forget();
    return this.#usedAt.has(id);
  }

  #forget(): void {
    const before = this.#clock.now() - namingMs;
    for (const [id, at] of this.#usedAt) {
      if (at > before) return;
      this.#usedAt.delete(id);
    }
  }
}
