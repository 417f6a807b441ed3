import type { Draw } from '../random.ts';

/** Poisson processes: arrival times in seconds, in order. Rates are per second. */

/** With one rate, from `from` until `to`. */
export function poisson(draw: Draw, from: number, to: number, rate: number): number[] {
  const arrivals: number[] = [];
  if (rate <= 0) return arrivals;
  for (let at = from + draw.exponential(1 / rate); at < to; at += draw.exponential(1 / rate)) arrivals.push(at);
  return arrivals;
}

/** With a rate that changes all the time but never exceeds `most`, by thinning a process of that rate (Lewis and Shedler 1979). */
export const thinned = (draw: Draw, seconds: number, most: number, rate: (at: number) => number): number[] =>
  poisson(draw, 0, seconds, most).filter((at) => draw.uniform() * most < rate(at));

/** With a rate that holds for a step each: `rate` is asked once for the start of every step. */
export function stepwise(draw: Draw, seconds: number, step: number, rate: (at: number) => number): number[] {
  const arrivals: number[] = [];
  for (let from = 0; from < seconds; from += step) {
    for (const at of poisson(draw, from, Math.min(seconds, from + step), rate(from))) arrivals.push(at);
  }
  return arrivals;
}
