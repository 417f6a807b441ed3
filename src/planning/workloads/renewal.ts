import type { Draw } from '../random.ts';

/** Renewal processes: intervals between arrivals that are independent of each other. Times are seconds. */

export interface Intervals {
  readonly next: (draw: Draw) => number;
  /** From a moment that has nothing to do with the arrivals until the next one: part of an interval drawn by its length. */
  readonly first: (draw: Draw) => number;
}

/** Arrivals from `from` until `to`, as if the process had been going on for ever. */
export function renewal(draw: Draw, from: number, to: number, { first, next }: Intervals): number[] {
  const arrivals: number[] = [];
  for (let at = from + first(draw); at < to; at += next(draw)) arrivals.push(at);
  return arrivals;
}

/** Always the same. */
export const timer = (period: number): Intervals => ({ next: () => period, first: (draw) => draw.uniform() * period });

/** Gamma with this mean and coefficient of variation: 1 is a Poisson process, more comes in bursts. */
export function gammaIntervals(mean: number, cv: number): Intervals {
  const shape = 1 / cv ** 2;
  const scale = mean / shape;
  return { next: (draw) => scale * draw.gamma(shape), first: (draw) => draw.uniform() * scale * draw.gamma(shape + 1) };
}

/** Weibull with this mean and coefficient of variation, from 0.1 to 20. */
export function weibullIntervals(mean: number, cv: number): Intervals {
  const inverse = inverseShapeOf(cv);
  const scale = mean / Math.exp(logGamma(1 + inverse));
  return {
    next: (draw) => scale * draw.exponential(1) ** inverse,
    first: (draw) => draw.uniform() * scale * draw.gamma(1 + inverse) ** inverse,
  };
}

/** 1 / shape of the Weibull distribution with this coefficient of variation, which grows with it: by halving. */
function inverseShapeOf(cv: number): number {
  let [low, high] = [0, 10];
  for (let round = 0; round < 50; round++) {
    const middle = (low + high) / 2;
    if (Math.expm1(logGamma(1 + 2 * middle) - 2 * logGamma(1 + middle)) < cv ** 2) low = middle;
    else high = middle;
  }
  return low;
}

/** Logarithm of the gamma function for x >= 1: Stirling's series, above 8, where its error is below 1e-9. */
function logGamma(x: number): number {
  let [at, product] = [x, 1];
  for (; at < 8; at++) product *= at;
  const series = 1 / (12 * at) - 1 / (360 * at ** 3) + 1 / (1260 * at ** 5);
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - Math.log(product);
}
