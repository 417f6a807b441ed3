import type { Segment } from './document.ts';

/** Failures are never merged away, then the state that is of most interest wins. */
const rank: Readonly<Record<Segment['state'], number>> = { failed: 6, starting: 5, busy: 4, draining: 3, ready: 2, idle: 1, parked: 0 };

/**
 * Segments with at most `limit` of them, when short ones are drawn as one with the neighbour on the same container: blocks of under a
 * second would be less than a pixel anyway. The length below which segments merge doubles until they fit.
 */
export function thin(segments: readonly Segment[], limit: number): Segment[] {
  let thinned = [...segments];
  for (let shortest = 500; thinned.length > limit && shortest <= 64_000; shortest *= 2) thinned = merge(thinned, shortest);
  return thinned;
}

function merge(segments: readonly Segment[], shortest: number): Segment[] {
  const merged: Segment[] = [];
  const last = new Map<string, number>();
  for (const segment of segments) {
    const index = last.get(segment.container);
    const before = index === undefined ? undefined : merged[index];
    const joins =
      before !== undefined &&
      index !== undefined &&
      before.state !== 'failed' &&
      segment.state !== 'failed' &&
      segment.to - before.from < shortest;
    if (joins) {
      const state = rank[segment.state] > rank[before.state] ? segment.state : before.state;
      merged[index] = { slot: before.slot, container: before.container, state, from: before.from, to: segment.to };
    } else {
      last.set(segment.container, merged.length);
      merged.push(segment);
    }
  }
  return merged;
}
