/** The window that the overview looks at, and its division into columns of time. */
export const windowMs = 600_000;
export const columnMs = 5_000;
export const columnCount = windowMs / columnMs;

/** Start of the column that holds `at`. */
export const columnOf = (at: number): number => Math.floor(at / columnMs) * columnMs;

/** Starts of all columns of the window that ends at `now`, oldest first. */
export function columnsUntil(now: number): number[] {
  const last = columnOf(now);
  return Array.from({ length: columnCount + 1 }, (_, index) => last - (columnCount - index) * columnMs);
}

/** Values by column of time; columns that have left the window are dropped when a newer one begins. */
export class Columns<T> {
  readonly #values = new Map<number, T>();
  readonly #empty: () => T;

  constructor(empty: () => T) {
    this.#empty = empty;
  }

  /** The value of a column, made when it is not there. */
  at(column: number): T {
    const known = this.#values.get(column);
    if (known !== undefined) return known;
    const made = this.#empty();
    this.#values.set(column, made);
    for (const key of this.#values.keys()) if (key < column - windowMs - columnMs) this.#values.delete(key);
    return made;
  }

  peek(column: number): T | undefined {
    return this.#values.get(column);
  }

  get size(): number {
    return this.#values.size;
  }
}
