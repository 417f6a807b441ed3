/** Random numbers by a seed, the same on every machine. */

/** Whole numbers in [0, 2^32), uniform: the generator sfc32 (Doty-Humphrey), 128 bits of state. */
export function seededUint32(seed: number): () => number {
  let [a, b, c, counter] = [seed | 0, (seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // Seeds that lie close together give streams that have nothing in common only after a few rounds.
  for (let round = 0; round < 15; round++) next();
  return next;
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

  /** Gamma of this shape and scale 1 (Marsaglia and Tsang 2000). */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    for (;;) {
      const x = this.normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - this.uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
    }
  }
}
