/** Ends of the bins of gaps, in units of the price of a start. */
const edges = [0.125, 0.25, 0.5, 1, 2];
/** Weight of what came before, at each gap. */
const decay = 0.97;
/** Before anything is known: gaps as they are for traffic that is worth keeping a container for about as often as not. */
const prior = [0.5, 0.5, 0.5, 0.5, 0.5, 1];

/** What was learnt of gaps. JSON. */
export interface IdleGaps {
  readonly needed: number;
  /** When the n-th container was last needed, by n - 1; null: it was not yet. */
  readonly lastNeeded: readonly (number | null)[];
  /** Gaps by their length, for each group of levels. */
  readonly bins: readonly (readonly number[])[];
}

export const noGaps: IdleGaps = { needed: 0, lastNeeded: [], bins: [] };

/**
 * How long an idle container is worth keeping. Between two times at which n containers are needed lies a gap for the n-th. Keeping it
 * through a gap costs the gap, stopping it costs the next start: a window w costs E[min(gap, w)] + start x P(gap > w), and the cheapest w
 * over the gaps that there were is the answer (ski rental with learnt gaps). Levels are grouped by powers of two.
 */
export function learnGaps(gaps: IdleGaps, now: number, needed: number, startMs: number): IdleGaps {
  if (needed === gaps.needed) return gaps;
  const lastNeeded = [...gaps.lastNeeded];
  const bins = gaps.bins.map((group) => [...group]);
  for (let level = gaps.needed; level > needed; level--) lastNeeded[level - 1] = now;
  for (let level = gaps.needed + 1; level <= needed; level++) {
    while (lastNeeded.length < level) lastNeeded.push(null);
    const since = lastNeeded[level - 1] ?? null;
    if (since !== null && now > since) add(bins, groupOf(level), (now - since) / startMs);
  }
  return { needed, lastNeeded, bins };
}

function add(bins: number[][], group: number, gap: number): void {
  while (bins.length <= group) bins.push([...prior]);
  const counts = bins[group] as number[];
  const found = edges.findIndex((edge) => gap <= edge);
  const bin = found === -1 ? edges.length : found;
  for (let n = 0; n < counts.length; n++) counts[n] = (counts[n] as number) * decay;
  counts[bin] = (counts[bin] as number) + 1;
}

/** For how long the container of this level has not been needed, milliseconds. */
export function notNeededMs({ needed, lastNeeded }: IdleGaps, level: number, now: number): number {
  return level <= needed ? 0 : now - (lastNeeded[level - 1] ?? -Infinity);
}

/** Milliseconds that the container of this level (the highest of all is the one idle longest) should be kept without a job. */
export function idleWindowMs({ bins }: IdleGaps, level: number, startMs: number): number {
  const counts = bins[groupOf(level)] ?? prior;
  const total = counts.reduce((sum, count) => sum + count, 0);
  let best = { window: 0, cost: total };
  let [ended, below] = [0, 0];
  edges.forEach((window, bin) => {
    const count = counts[bin] as number;
    ended += count;
    below += (count * ((edges[bin - 1] ?? 0) + window)) / 2;
    const cost = below + (total - ended) * (window + 1);
    if (cost < best.cost) best = { window, cost };
  });
  return best.window * startMs;
}

const groupOf = (level: number): number => Math.ceil(Math.log2(level));
