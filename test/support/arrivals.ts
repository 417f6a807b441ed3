/** Statistics of arrivals, as they are published of traces. Times are seconds. */

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const variance = (values: readonly number[]): number => {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
};

/** Coefficient of variation: 1 for the intervals of a Poisson process. */
export const cv = (values: readonly number[]): number => Math.sqrt(variance(values)) / mean(values);

export const intervals = (arrivals: readonly number[]): number[] => arrivals.slice(1).map((at, index) => at - arrivals[index]!);

/** Arrivals in each whole window. */
export function counts(arrivals: readonly number[], seconds: number, window: number): number[] {
  const counts = Array.from({ length: Math.floor(seconds / window) }, () => 0);
  for (const at of arrivals) if (at < counts.length * window) counts[Math.floor(at / window)]! += 1;
  return counts;
}

/** Index of dispersion of counts: variance / mean, 1 for a Poisson process. */
export const dispersion = (counts: readonly number[]): number => variance(counts) / mean(counts);

/** Nearest rank: the ceil(p n)-th smallest. */
export const quantile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(p * values.length) - 1)]!;

/** How far a figure lies from what it should be, as a share of that. */
export const apart = (figure: number, from: number): number => Math.abs(figure / from - 1);
