import { fail } from './job-headers.ts';

export interface PageQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  readonly next: string | null;
}

/** A page of a list that is held in memory; `keyOf` names each item. Error: `invalid_parameter` for a cursor that names none. */
export function pageOf<T>(all: readonly T[], { limit, cursor }: PageQuery, keyOf: (item: T) => string): Page<T> {
  const before = cursor === undefined ? -1 : all.findIndex((item) => keyOf(item) === cursor);
  if (cursor !== undefined && before < 0) strangeCursor();
  const items = all.slice(before + 1, before + 1 + limit);
  const last = items.at(-1);
  return { items, next: last !== undefined && before + 1 + limit < all.length ? keyOf(last) : null };
}

/** Throws `invalid_parameter`. */
export const strangeCursor = (): never => fail('cursor', 'must be the next of the page before');
