/** Ends of the bins of gaps, in units of the price of a start. */
const edges = [0.125, 0.25, 0.5, 1, 2];
/** Weight of what came before, at each gap. */
const decay = 0.97;
/** Before anything is known: gaps as they are for traffic that is worth keeping a container for about as often as not. */
const prior = [0.5, 0.5, 0.5, 0.5, 0.5, 1];

/**
 * How long an idle container is worth keeping. The n-th container is needed whenever n are busy or starting; between two such times lies a
 * gap. Keeping it through a gap costs the gap, stopping it costs the next start: a window w costs E[min(gap, w)] + start x P(gap > w), and
 * the cheapest w over the gaps that there were is the answer (ski rental with learnt gaps). Levels are grouped by powers of two.
 */
export class IdleGaps {
  /** When the n-th was last needed, by n - 1. */
  readonly #lastNeeded: number[] = [];
  readonly #bins = new Map<number, number[]>();
  #needed = 0;

  /** So many are busy or starting now. `startMs`: what a start takes. */
  update(now: number, needed: number, startMs: number): void {
    for (let level = this.#needed; level > needed; level--) this.#lastNeeded[level - 1] = now;
    for (let level = this.#needed + 1; level <= needed; level++) {
      const since = this.#lastNeeded[level - 1];
      if (since !== undefined && now > since) this.#learn(level, (now - since) / startMs);
    }
    this.#needed = needed;
  }

  /** Milliseconds that the container of this level (the highest of all is the one idle longest) should be kept without a job. */
  windowMs(level: number, startMs: number): number {
    const bins = this.#bins.get(groupOf(level)) ?? prior;
    const total = bins.reduce((sum, count) => sum + count, 0);
    let best = { window: 0, cost: total };
    let [ended, below] = [0, 0];
    edges.forEach((window, bin) => {
      const count = bins[bin] as number;
      ended += count;
      below += (count * ((edges[bin - 1] ?? 0) + window)) / 2;
      const cost = below + (total - ended) * (window + 1);
      if (cost < best.cost) best = { window, cost };
    });
    return best.window * startMs;
  }

  #learn(level: number, gap: number): void {
    const group = groupOf(level);
    let bins = this.#bins.get(group);
    if (!bins) this.#bins.set(group, (bins = [...prior]));
    const bin = edges.findIndex((edge) => gap <= edge);
    for (let n = 0; n < bins.length; n++) bins[n] = (bins[n] as number) * decay;
    bins[bin === -1 ? edges.length : bin]! += 1;
  }
}

const groupOf = (level: number): number => Math.ceil(Math.log2(level));
