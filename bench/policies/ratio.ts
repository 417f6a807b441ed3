/** A geometric mean with its 95 % confidence interval. */
export interface Ratio {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Of Student's t, its quantile at 0.975 by degrees of freedom, from 1 on. */
const t975 = [12.706, 4.303, 3.182, 2.776];

/** Geometric mean of positive numbers; the interval is Student's for the mean of their logarithms. At most five; of one alone it is unbounded. */
export function geometricMean(values: readonly number[]): Ratio {
  const logs = values.map((value) => Math.log(value));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  if (logs.length < 2) return { mean: Math.exp(mean), low: 0, high: Infinity };
  const t = t975[logs.length - 2];
  if (t === undefined) throw new RangeError(`no quantile for ${logs.length} values`);
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const half = t * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}
