import type { Client } from './client.ts';
import { UsageError } from './failure.ts';
import type { List } from './shapes.ts';

/** The gateway gives at most so many items at once. */
const pageSize = 1000;

/** Up to `limit` items of a list of the gateway, over as many pages as it takes; `next` where there are more. */
export async function listPages<T>(
  client: Client,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  limit = Infinity,
): Promise<List<T>> {
  const items: T[] = [];
  let next = query['cursor'] ?? null;
  do {
    const given = { ...query, cursor: next ?? undefined, limit: String(Math.min(pageSize, limit - items.length)) };
    const fields = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const page: List<T> = await client.call('GET', `${path}?${new URLSearchParams(fields).toString()}`);
    items.push(...page.items);
    next = page.next;
  } while (next !== null && items.length < limit);
  return { items, next };
}

/** `--limit`. */
export function limitOf(option: unknown): number {
  const limit = Number(option);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError(`--limit must be a whole number from 1, not ${String(option)}`);
  return limit;
}

/** The line below a list that was cut. */
export const moreLine = (command: string, next: string | null): string =>
  next === null ? '' : `more: comfleet ${command} --cursor ${next}\n`;
