import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Segment } from './document.ts';
import { thin } from './thin.ts';

const states = ['starting', 'ready', 'busy', 'idle', 'draining', 'failed'] as const;

const line = (container: string): fc.Arbitrary<Segment[]> =>
  fc.array(fc.record({ state: fc.constantFrom(...states), length: fc.integer({ min: 0, max: 3_000 }) }), { maxLength: 60 }).map((parts) => {
    let at = 0;
    return parts.map(({ state, length }) => ({ slot: `slot-${container}`, container, state, from: at, to: (at += length) }));
  });

const spanOf = (segments: readonly Segment[], container: string): number =>
  segments.filter((segment) => segment.container === container).reduce((sum, { from, to }) => sum + to - from, 0);

it('merges without losing time, failures or order', () => {
  fc.assert(
    fc.property(line('a'), line('b'), fc.integer({ min: 1, max: 60 }), (a, b, limit) => {
      const all = [...a, ...b];
      const thinned = thin(all, limit);
      expect(thinned.length).toBeLessThanOrEqual(all.length);
      if (all.length <= limit) expect(thinned).toEqual(all);
      for (const container of ['a', 'b']) {
        expect(spanOf(thinned, container)).toBe(spanOf(all, container));
        const mine = thinned.filter((segment) => segment.container === container);
        for (const [index, segment] of mine.entries()) if (index > 0) expect(segment.from).toBe(mine[index - 1]?.to);
      }
      const failed = (segments: readonly Segment[]): Segment[] => segments.filter((segment) => segment.state === 'failed');
      expect(failed(thinned)).toEqual(failed(all));
    }),
  );
});
