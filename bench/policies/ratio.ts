/** A geometric mean with its 95 % confidence interval. */
export interface Ratio {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Of Student's t, its quantile at 0.975 by degrees of freedom, from 1 on. */
const t975 = [12.706, 4.303, 3.182, 2.776];

/** Geometric mean of positive numbers. */
export const meanRatio = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** The same, one for each seed, with Student's interval for the mean of their logarithms. At most five; of one alone it is unbounded. */
export function geometricMean(values: readonly number[]): Ratio {
  const mean = meanRatio(values);
  if (values.length < 2) return { mean, low: 0, high: Infinity };
  const t = t975[values.length - 2];
  if (t === undefined) throw new RangeError(`no quantile for ${values.length} values`);
  const variance = values.reduce((sum, value) => sum + Math.log(value / mean) ** 2, 0) / (values.length - 1);
  const factor = Math.exp(t * Math.sqrt(variance / values.length));
  return { mean, low: mean / factor, high: mean * factor };
}
