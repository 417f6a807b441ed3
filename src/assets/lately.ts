import type { Clock } from '../fleet/clock.ts';
import { namingMs } from './assets.ts';

/** 8 MiB of times. At 500 puts a second a third of them is recent: then two of three files that may go, go at once. */
const buckets = 2 ** 20;

/**
 * Which assets were put or kept within `namingMs`. One process owns the files, so its memory suffices: a fixed table, however many are put.
 * Assets that share a bucket are all taken for recent when one of them is, and stay for a while longer; that does no harm.
 */
export class Lately {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #usedAt = new Float64Array(buckets).fill(-Infinity);

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  note(id: string): void {
    this.#usedAt[bucketOf(id)] = this.#clock.now();
  }

  has(id: string): boolean {
    return (this.#usedAt[bucketOf(id)] ?? -Infinity) > this.#clock.now() - namingMs;
  }
}

/** The last five hex digits of an id, which is a hash: they fall evenly. */
const bucketOf = (id: string): number => Number.parseInt(id.slice(-5), 16);
