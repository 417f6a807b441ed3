/** The value below which a share `p` of the sorted values lies, by the nearest rank; null of none. */
export function quantile(sorted: ArrayLike<number>, p: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? null;
}

/** 95 % interval of a quantile by order statistics; null where the sample cannot bound it from above (p95 needs some 75 values). */
export function quantileInterval(sorted: ArrayLike<number>, p: number): [number, number] | null {
  const n = sorted.length;
  const middle = n * p;
  const reach = 1.96 * Math.sqrt(n * p * (1 - p));
  const low = Math.max(1, Math.ceil(middle - reach));
  const high = Math.ceil(middle + reach);
  const [from, to] = [sorted[low - 1], sorted[high - 1]];
  return from === undefined || to === undefined ? null : [from, to];
}

export const sortedNumbers = (values: Iterable<number>): Float64Array => Float64Array.from(values).sort();

/** `of` nothing is no share. */
export const share = (part: number, of: number): number | null => (of === 0 ? null : part / of);

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The one value of all, or null. */
export const common = <T>(values: readonly T[]): T | null => (new Set(values).size === 1 ? (values[0] ?? null) : null);
