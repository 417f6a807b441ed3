/** Ids are UUIDs; people read their last characters, which differ most. */
export const containerName = (id: string): string => `c-${id.slice(-4)}`;
export const jobName = (id: string): string => `j-${id.slice(-6)}`;

/** `1.5 s`, `12 s`, `2.0 min`: as exact as it is of use. */
export function seconds(value: number): string {
  if (value >= 120) return `${(value / 60).toFixed(1)} min`;
  return value >= 20 ? `${Math.round(value)} s` : `${Number(value.toFixed(1))} s`;
}

export const percent = (value: number): string => `${Number((value * 100).toFixed(1))} %`;

/** Money with as many digits as small sums need. */
export const usd = (value: number): string => `$${value.toFixed(value >= 1 ? 2 : 3)}`;

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;
