import type { Random } from '../fleet/clock.ts';

/** FNV-1a of a text: a 32-bit number that is the same everywhere. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A stream of numbers in [0, 1) that depends on the seed alone. */
export function seededStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** What timing draws from; the same text gives the same draws. */
export function seededDraws(text: string): Pick<Random, 'int'> {
  const next = seededStream(hashText(text));
  return { int: (below) => Math.floor(next() * below) };
}
