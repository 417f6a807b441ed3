import type { Config } from './schema.ts';

/** Price per hour by GPU model: the very name, else the longest name of the list that begins the model's (`H100` for `H100 80GB HBM3`). */
export function priceList(gpus: Config['gpus']): (gpu: string | null) => number | null {
  const names = Object.keys(gpus).sort((a, b) => b.length - a.length);
  return (gpu) => {
    const name = gpu === null ? undefined : names.find((name) => gpu === name || gpu.startsWith(`${name} `));
    return name === undefined ? null : (gpus[name]?.usdPerHour ?? null);
  };
}
