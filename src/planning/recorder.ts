import type { Counts } from '../fleet/pool.ts';

export const countNames = ['queued', 'running', 'starting', 'busy', 'idle'] as const satisfies (keyof Counts)[];

/** Counts over one period. */
export type RecordedCounts = Readonly<Record<keyof Counts, { readonly mean: number; readonly max: number }>>;

export interface Recording {
  /** Length of each period but the last, milliseconds; the first begins at 0. */
  readonly periodMs: number;
  readonly periods: readonly RecordedCounts[];
}

interface Bin {
  readonly sums: number[];
  readonly most: number[];
  ms: number;
}

const firstPeriodMs = 100;
const newBin = (): Bin => ({ sums: countNames.map(() => 0), most: countNames.map(() => 0), ms: 0 });

/** Counts over time in at most so many periods of equal length, which doubles whenever they become too many: it need not know how long a run will be. */
export class Recorder {
  readonly #limit: number;
  #bins: Bin[] = [];
  #periodMs = firstPeriodMs;
  #now = 0;
  #counts: Counts = { queued: 0, running: 0, starting: 0, busy: 0, idle: 0 };

  /** `limit` is even. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** From `now` on the counts are these. */
  note(now: number, counts: Counts): void {
    this.#advance(now);
    this.#counts = counts;
    const bin = this.#binAt(now);
    countNames.forEach((name, index) => (bin.most[index] = Math.max(bin.most[index] as number, counts[name])));
  }

  /** All up to `now`. */
  end(now: number): Recording {
    this.#advance(now);
    const periods = this.#bins
      .filter(({ ms }) => ms > 0)
      .map(({ sums, most, ms }) => {
        const entries = countNames.map(
          (name, index) => [name, { mean: (sums[index] as number) / ms, max: most[index] as number }] as const,
        );
        return Object.fromEntries(entries) as RecordedCounts;
      });
    return { periodMs: this.#periodMs, periods };
  }

  #advance(to: number): void {
    while (this.#now < to) {
      const bin = this.#binAt(this.#now);
      const end = Math.min(to, (Math.floor(this.#now / this.#periodMs) + 1) * this.#periodMs);
      countNames.forEach((name, index) => {
        bin.sums[index] = (bin.sums[index] as number) + this.#counts[name] * (end - this.#now);
        bin.most[index] = Math.max(bin.most[index] as number, this.#counts[name]);
      });
      bin.ms += end - this.#now;
      this.#now = end;
    }
  }

  #binAt(at: number): Bin {
    while (at >= this.#periodMs * this.#limit) this.#halve();
    const place = Math.floor(at / this.#periodMs);
    while (this.#bins.length <= place) this.#bins.push(newBin());
    return this.#bins[place] as Bin;
  }

  #halve(): void {
    this.#periodMs *= 2;
    const pairs: Bin[] = [];
    for (let index = 0; index < this.#bins.length; index += 2) {
      const [one, other = newBin()] = this.#bins.slice(index, index + 2) as [Bin, Bin?];
      pairs.push({
        sums: one.sums.map((sum, count) => sum + (other.sums[count] as number)),
        most: one.most.map((most, count) => Math.max(most, other.most[count] as number)),
        ms: one.ms + other.ms,
      });
    }
    this.#bins = pairs;
  }
}
