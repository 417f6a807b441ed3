import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { idleWindowMs, learnGaps, noGaps, notNeededMs, type IdleGaps } from './idle-gaps.ts';

const startMs = 10_000;

/** One container that is needed for a second and then not for these times, in units of a start. */
function after(gaps: readonly number[], level = 1): IdleGaps {
  let [now, known] = [0, noGaps];
  for (const gap of gaps) {
    known = learnGaps(known, now, level, startMs);
    known = learnGaps(known, (now += 1_000), 0, startMs);
    now += gap * startMs;
  }
  return learnGaps(known, now, level, startMs);
}

const window = (known: IdleGaps, level = 1): number => idleWindowMs(known, level, startMs) / startMs;
const many = (...gaps: number[]): number[] => Array.from({ length: 200 }, (_, n) => gaps[n % gaps.length] as number);

describe('an idle container is kept', () => {
  test.each([
    // A longer window costs nothing where no gap is longer.
    ['through all gaps, where they are short', many(0.1), 0.25],
    ['longer, where they are longer', many(0.4), 0.5],
    ['nearly as long as a start costs, where they last so long', many(0.9), 1],
    ['not at all, where all are longer than a start', many(1.5), 0],
    ['not at all, where all are long', many(50), 0],
    ['through the short ones, where half are short and half are long', many(0.1, 50), 0.125],
    ['not at all for a few short ones among long ones', many(0.4, ...Array.from({ length: 9 }, () => 50)), 0],
  ])('%s', (_, gaps, expected) => {
    expect(window(after(gaps))).toBe(expected);
  });

  test('for a quarter of a start, before anything is known', () => {
    expect([window(noGaps), window(noGaps, 40)]).toEqual([0.25, 0.25]);
  });

  test('at nearly the least cost that any window would have had over the last gaps', () => {
    const lengths = [0.06, 0.19, 0.375, 0.75, 1.5, 6];
    const mix = fc.array(fc.constantFrom(...lengths), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(mix, (gaps) => {
        const chosen = window(after(many(...gaps)));
        const cost = (kept: number): number => gaps.reduce((sum, gap) => sum + (gap <= kept ? gap : kept + 1), 0) / gaps.length;
        const least = Math.min(...[0, 0.125, 0.25, 0.5, 1, 2].map(cost));
        // Those of a mix that came last weigh a little more.
        expect(cost(chosen)).toBeLessThanOrEqual(1.15 * least + 0.02);
      }),
      { numRuns: 500 },
    );
  });

  test('by the newest gaps, when they change', () => {
    expect(window(after([...many(50), ...many(0.3)]))).toBe(0.5);
    expect(window(after([...many(0.1), ...many(50)]))).toBe(0);
  });
});

test('levels are known by their likes: of the same power of two', () => {
  const known = after(many(50), 8);
  for (const level of [5, 6, 7, 8]) expect(window(known, level)).toBe(0);
  expect(window(known, 9)).toBe(0.25);
  // Levels 1 to 4 were needed with it.
  expect(window(known, 1)).toBe(0);
});

test('gaps of the n-th container are those between two times at which n are needed', () => {
  let known = learnGaps(noGaps, 0, 2, startMs);
  known = learnGaps(known, 1_000, 1, startMs);
  expect([1, 2, 3].map((level) => notNeededMs(known, level, 4_000))).toEqual([0, 3_000, Infinity]);
  known = learnGaps(known, 5_000, 0, startMs);
  expect([1, 2].map((level) => notNeededMs(known, level, 6_000))).toEqual([1_000, 5_000]);
  known = learnGaps(known, 7_000, 2, startMs);
  // 0.2 and 0.6 of a start; counts of the prior are worth 97 % each then.
  const grown = expect.closeTo(1.485, 9);
  expect(known.bins).toEqual([
    [0.485, grown, 0.485, 0.485, 0.485, 0.97],
    [0.485, 0.485, 0.485, grown, 0.485, 0.97],
  ]);
  expect(learnGaps(known, 9_000, 2, startMs)).toBe(known);
});

test('is JSON, and what was given to learn from stays as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ needed: fc.nat(9), ms: fc.nat(30_000) })), (steps) => {
      let [known, again, now] = [noGaps, noGaps, 0];
      for (const { needed, ms } of steps) {
        const before = JSON.stringify(known);
        const next = learnGaps(known, (now += ms), needed, startMs);
        expect(JSON.stringify(known)).toBe(before);
        again = JSON.parse(JSON.stringify(learnGaps(again, now, needed, startMs))) as IdleGaps;
        known = next;
        expect(again).toEqual(known);
      }
      expect(known.needed).toBe(steps.at(-1)?.needed ?? 0);
    }),
  );
});
