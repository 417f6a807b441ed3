/** A positive quantity whose logarithm is normal: times vary by factors. */
export interface Lognormal {
  readonly mean: number;
  /** Mean and standard deviation of the logarithm. */
  readonly mu: number;
  readonly sigma: number;
  /** Four deviations below the median: one in thirty thousand is less. */
  readonly least: number;
}

export const lognormal = (mu: number, sigma: number): Lognormal => ({
  mean: Math.exp(mu + (sigma * sigma) / 2),
  mu,
  sigma,
  least: Math.exp(mu - 4 * sigma),
});

/** The value that a share of all stays below; `deviations` is the standard normal quantile of that share. */
export const quantile = ({ mu, sigma }: Lognormal, deviations: number): number => Math.exp(mu + sigma * deviations);

/** Standard deviation by the mean. */
export const variation = ({ sigma }: Lognormal): number => Math.sqrt(Math.exp(sigma * sigma) - 1);

/** What is left on the mean once `elapsed` has passed: E[X - e | X > e]. */
export function remaining({ mean, mu, sigma, least }: Lognormal, elapsed: number): number {
  if (elapsed <= 0) return mean;
  // So early that X > e tells nothing.
  if (elapsed < least) return mean - elapsed;
  const z = (Math.log(elapsed) - mu) / Math.max(sigma, 1e-6);
  const left = upperTail(z);
  // Far beyond anything known the formula has no digits left. It has lasted, so it will last: a tenth of what it has taken.
  if (left < 1e-6) return elapsed / 10;
  return Math.max(0, (mean * upperTail(z - sigma)) / left - elapsed);
}

/** The earliest elapsed time at which no more than `left` remains on the mean; null: it never gets so close. */
export function elapsedWhen(time: Lognormal, left: number): number | null {
  if (time.mean <= left) return 0;
  if (time.mean - left < time.least) return time.mean - left;
  let [before, after] = [0, quantile(time, 2)];
  if (remaining(time, after) > left) return null;
  for (let n = 0; n < 20; n++) {
    const middle = (before + after) / 2;
    if (remaining(time, middle) > left) before = middle;
    else after = middle;
  }
  return after;
}

/** P(Z > z) of the standard normal, from a table: a decision asks for it twice for each busy container. */
function upperTail(z: number): number {
  const at = (z + tableEnd) * perUnit;
  if (!(at > 0)) return 1;
  const place = Math.floor(at);
  if (place >= tails.length - 1) return tailOf(z);
  const below = tails[place] as number;
  return below + (at - place) * ((tails[place + 1] as number) - below);
}

/** Approximation 26.2.17 of Abramowitz and Stegun, wrong by less than 1e-7. */
function tailOf(z: number): number {
  if (z < 0) return 1 - tailOf(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** From -6 to 6 deviations; a straight line between two entries is wrong by less than one part in ten thousand up to 5. */
const tableEnd = 6;
const perUnit = 128;
const tails = Float64Array.from({ length: 2 * tableEnd * perUnit + 1 }, (_, place) => tailOf(place / perUnit - tableEnd));
