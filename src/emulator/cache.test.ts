import { expect, test } from 'vitest';
import { NodeCache } from './cache.ts';
import type { CacheKind } from './cache.ts';

/** Runs prompts of these keys one after the other; gives the keys that each found. */
function found(kind: CacheKind, ...prompts: readonly string[]): string[] {
  const cache = new NodeCache(kind);
  return prompts.map((prompt) => {
    const keys = prompt.split('');
    cache.begin(keys);
    const there = keys.filter((key) => cache.get(key));
    for (const key of keys) cache.set(key, { outputs: [], ui: null });
    return there.join('');
  });
}

test('classic: what the last prompt had', () => {
  expect(found({ kind: 'classic' }, 'ab', 'bc', 'ab')).toEqual(['', 'b', 'b']);
});

test('none: nothing', () => {
  expect(found({ kind: 'none' }, 'ab', 'ab')).toEqual(['', '']);
});

test('lru: whole prompts go, the oldest first, and never what the new one has', () => {
  expect(found({ kind: 'lru', size: 4 }, 'ab', 'cd', 'ab')).toEqual(['', '', 'ab']);
  expect(found({ kind: 'lru', size: 3 }, 'ab', 'cd', 'ef', 'cd', 'ab')).toEqual(['', '', '', 'cd', '']);
  expect(found({ kind: 'lru', size: 1 }, 'abc', 'abc')).toEqual(['', 'abc']);
});
