import type { Draw } from '../random.ts';

/** Who or what is chosen how often. */

/** Weights that fall with the power `slope` of the rank, from rank `first` to `last`. */
export const zipf = (first: number, last: number, slope: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => (first + index) ** -slope);

/** The same, so that their sum is `total`. */
export function scaled(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (weight * total) / sum);
}

/** Draws an index, each as often as its weight says. */
export function chooser(weights: readonly number[]): (draw: Draw) => number {
  let sum = 0;
  const upTo = weights.map((weight) => (sum += weight));
  return (draw) => {
    const at = draw.uniform() * sum;
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/**
 * Shares of a time in which some are asked for more than otherwise: Dirichlet around `shares`, whose sum is 1. Two draws of such a time are
 * alike with probability r + (1 - r) sum(shares^2), where r = `alike`.
 */
export function fashion(draw: Draw, shares: readonly number[], alike: number): number[] {
  const concentration = 1 / alike - 1;
  return shares.map((share) => draw.gamma(concentration * share));
}
