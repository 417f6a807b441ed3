/** From values to places on the drawing, and the values that an axis names. */

export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Of 1, 2 and 5 times powers of ten, the least step of which at most `most` fit into the span. */
export function stepOf(span: number, most: number): number {
  if (span <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(span / most));
  return ([1, 2, 5, 10].find((factor) => span / (factor * power) <= most) as number) * power;
}

/** Multiples of `step` from `from` to `to`. */
export function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  // The sum of steps would not be exact.
  return Array.from({ length: Math.max(0, count) }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

/** Values up to `most`, or up to the next tick; from 0 at place `zero` to `end`. */
export function linear(most: number, [zero, end]: readonly [number, number], tickCount: number): Scale {
  const span = most > 0 ? most : 1;
  const step = stepOf(span, tickCount);
  const top = Math.ceil(span / step - 1e-9) * step;
  return { at: (value) => zero + (value / top) * (end - zero), ticks: multiples(0, top, step) };
}

/** Ratios have equal lengths. From `least` to `most`, both > 0, and ticks 1, 1.5, 2, 3, 4, 5, 6, 8 of each power of ten where there is room for them. */
export function logarithmic(least: number, most: number, [start, end]: readonly [number, number], room: number): Scale {
  const at = (value: number): number => start + (Math.log(value / least) / Math.log(most / least)) * (end - start);
  const powers = multiples(Math.floor(Math.log10(least)), Math.ceil(Math.log10(most)), 1);
  const candidates = powers.flatMap((power) => [1, 1.5, 2, 3, 4, 5, 6, 8].map((factor) => Number((factor * 10 ** power).toPrecision(6))));
  const ticks: number[] = [];
  for (const tick of candidates) {
    const before = ticks.at(-1);
    if (tick < least || tick > most || (before !== undefined && Math.abs(at(tick) - at(before)) < room)) continue;
    ticks.push(tick);
  }
  return { at, ticks };
}

/** Steps of a clock that at most `most` fit into the span, seconds. */
export function timeStep(span: number, most: number): number {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];
  return steps.find((step) => span / step <= most) ?? Math.ceil(span / most / 86_400) * 86_400;
}

/** `2:00`, `1:02:00` from an hour on. */
export function clockText(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
