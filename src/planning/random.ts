/** Random numbers by a seed, the same on every machine. */

/** Whole numbers in [0, 2^32), uniform: the generator mulberry32. */
export function seededUint32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Draws from the distributions that workloads are made of. */
export class Draw {
  readonly #uint32: () => number;

  constructor(seed: number) {
    this.#uint32 = seededUint32(seed);
  }

  /** In [0, 1), 53 bits. */
  uniform(): number {
    return ((this.#uint32() >>> 5) * 67_108_864 + (this.#uint32() >>> 6)) / 9_007_199_254_740_992;
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.uniform();
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Standard normal, by Box and Muller; the second of each pair is thrown away, so that draws do not depend on what was drawn before. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Lognormal by its own mean and coefficient of variation, not by those of its logarithm. */
  lognormal(mean: number, cv: number): number {
    const variance = Math.log(1 + cv * cv);
    return Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * this.normal());
  }
}
