import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Spending } from './spending.ts';

const hour = 3_600_000;

describe('an hourly budget', () => {
  test('allows a burst while it is full, and what it refills when it is spent', () => {
    const spending = new Spending(0);
    // Full: 2 USD an hour, and 2 USD within five minutes.
    expect(spending.affordable(2, 1)).toEqual({ start: 26, keep: null });
    spending.accrue(hour / 13, { usdPerHour: 28, budget: 2 });
    expect(spending.affordable(2, 1)).toEqual({ start: 2, keep: 2 });
  });

  test('refills evenly, and holds no more than an hour allows', () => {
    const spending = new Spending(0);
    spending.accrue(hour, { usdPerHour: 4, budget: 2 });
    spending.accrue(1.5 * hour, { usdPerHour: 0, budget: 2 });
    expect(spending.affordable(2, 1).start).toBe(14);
    spending.accrue(9 * hour, { usdPerHour: 0, budget: 2 });
    expect(spending.affordable(2, 1).start).toBe(26);
  });

  test('below the price of one container it has one for a part of the time', () => {
    const spending = new Spending(0);
    expect(spending.affordable(0.5, 1)).toMatchObject({ start: 6 });
    spending.accrue(hour, { usdPerHour: 1, budget: 0.5 });
    expect(spending.affordable(0.5, 1)).toEqual({ start: 0, keep: 0 });
    spending.accrue(1.1 * hour, { usdPerHour: 0, budget: 0.5 });
    expect(spending.affordable(0.5, 1)).toEqual({ start: 1, keep: null });
  });

  test('of before a restart nothing counts as refilled', () => {
    const spending = new Spending(0);
    spending.spentBefore(2);
    expect(spending.affordable(2, 1)).toEqual({ start: 2, keep: 2 });
  });

  test('whoever keeps to it spends at most two hours of it within any hour', () => {
    const steps = fc.array(fc.record({ minutes: fc.integer({ min: 1, max: 30 }), wished: fc.nat(60) }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.double({ min: 0.2, max: 20, noNaN: true }), (wishes, budget) => {
        const spending = new Spending(0);
        const spent: { at: number; usd: number }[] = [];
        let [now, containers] = [0, 0];
        for (const { minutes, wished } of wishes) {
          for (let minute = 0; minute < minutes; minute++) {
            const { start, keep } = spending.affordable(budget, 1);
            containers = Math.min(Math.max(Math.min(containers, wished), Math.min(wished, start)), keep ?? Infinity);
            now += hour / 60;
            spending.accrue(now, { usdPerHour: containers, budget });
            spent.push({ at: now, usd: containers / 60 });
          }
        }
        for (const { at } of spent) {
          const within = spent.filter((part) => part.at > at - hour && part.at <= at).reduce((sum, { usd }) => sum + usd, 0);
          // A minute passes between two looks.
          expect(within).toBeLessThanOrEqual(2 * budget + Math.max(1, 13 * budget) / 60 + 1e-6);
        }
      }),
      { numRuns: 50 },
    );
  });
});
