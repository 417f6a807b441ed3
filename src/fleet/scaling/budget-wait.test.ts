import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { budgetWait, type WorkAhead } from './budget-wait.ts';
import { affordableNow, Spending, type Money } from './spending.ts';

const startSeconds = 20;
const work = (seconds: number, containers = 0): WorkAhead => ({ seconds, containers, startSeconds });

describe('a budget below the price of one container', () => {
  // $0.30 an hour at $1.10: one may start when five minutes of it are saved, (1.10 - 0.30) / 12 = $0.0667, which takes 800 s. 280 s of its 300 s serve.
  const cheap = { budget: 0.3, price: 1.1 };

  test('what is owed is refilled first', () => {
    const money = { ...cheap, left: -0.2 };
    // $0.2667 at $0.30 an hour: 3,200 s, and a start.
    expect(budgetWait(money, work(0))).toBeCloseTo(3_220, 6);
    expect(budgetWait(money, work(100))).toBeCloseTo(3_320, 6);
    // 280 s of work end the first container, 280 the second one, 1,100 s later; the third comes after 800 s more.
    expect(budgetWait(money, work(560))).toBeCloseTo(3_500 + 1_100 + 820, 6);
  });

  test('a long queue waits for 280 s of work in each 1,100 s', () => {
    expect(budgetWait({ ...cheap, left: 0 }, work(28_000)) / 28_000).toBeCloseTo(1_100 / 280, 1);
  });

  test('a container that lives serves at once, until the money is gone', () => {
    // $0.08 at $0.80 an hour beyond the budget: 360 s.
    const money = { ...cheap, left: 0.08 };
    expect(budgetWait(money, work(359, 1))).toBeCloseTo(359, 6);
    expect(budgetWait(money, work(361, 1))).toBeCloseTo(360 + 820 + 1, 6);
  });
});

describe('a budget of more than one', () => {
  const money = { budget: 1.5, price: 1.1, left: 1.5 };

  test('spends a full bucket first: 17 containers for 314 s', () => {
    expect(affordableNow(money).start).toBe(17);
    expect(budgetWait(money, work(340))).toBeCloseTo(20 + 20, 6);
    expect(budgetWait(money, work(340, 17))).toBeCloseTo(20, 6);
    const lasts = (3_600 * 1.5) / (17 * 1.1 - 1.5);
    expect(budgetWait(money, work(17 * lasts + 100, 17))).toBeCloseTo(lasts + 100, 6);
  });

  test('then has one always, and a second one for five minutes after each 525 s', () => {
    const empty = { ...money, left: 0 };
    expect(budgetWait(empty, work(500, 1))).toBeCloseTo(500, 6);
    // 545 s of one alone; then two.
    expect(budgetWait(empty, work(645, 1))).toBeCloseTo(545 + 50, 6);
    expect(budgetWait(empty, work(1_105 + 500, 1))).toBeCloseTo(825 + 500, 6);
  });

  test('of a whole number of containers it has so many for ever', () => {
    expect(budgetWait({ budget: 3.3, price: 1.1, left: 0 }, work(3e6, 3))).toBeCloseTo(1e6, 6);
    expect(budgetWait({ budget: 3.3, price: 1.1, left: 0 }, work(300))).toBeCloseTo(20 + 100, 6);
  });
});

test.each([
  ['an hour of it does not pay for five minutes of a container', { budget: 0.08, price: 1.1, left: 0.08 }, startSeconds],
  ['nothing is allowed', { budget: 0, price: 1.1, left: 0 }, startSeconds],
  ['a start takes all that is saved', { budget: 0.3, price: 1.1, left: 0 }, 300],
])('never: %s', (_, money, start) => {
  expect(budgetWait(money, { seconds: 1, containers: 0, startSeconds: start })).toBe(Infinity);
});

/** The bucket second by second: whoever wants work done has as many containers as it allows. */
function watched(money: Money, { seconds, containers: alive }: WorkAhead): number {
  const spending = new Spending(0);
  spending.spentBefore(money.budget - money.left);
  let [now, done] = [0, 0];
  /** When each of them serves. */
  let containers = Array.from({ length: alive }, () => 0);
  for (;;) {
    const { start, keep } = spending.affordable(money.budget, money.price);
    containers = containers.slice(0, keep ?? Infinity);
    while (containers.length < start) containers.push(now + startSeconds);
    const serving = containers.filter((at) => at <= now).length;
    if (serving > 0 && done >= seconds) return now;
    done += serving;
    now++;
    spending.accrue(now * 1_000, { usdPerHour: containers.length * money.price, budget: money.budget });
  }
}

test('is what happens where the bucket is watched', () => {
  const cases = fc.record({
    budget: fc.double({ min: 0.2, max: 4, noNaN: true }),
    price: fc.double({ min: 0.3, max: 2, noNaN: true }),
    saved: fc.double({ min: -1, max: 1, noNaN: true }),
    seconds: fc.nat(5_000),
    lives: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ budget, price, saved, seconds, lives }) => {
      const money = { budget, price, left: saved * budget };
      const { start } = affordableNow(money);
      const given = work(seconds, lives ? start : 0);
      // Near a whole number of containers a second more or less decides over minutes.
      fc.pre(Math.abs(budget / price - Math.round(budget / price)) > 0.1);
      // Near the end of a container, too: so the work is a little less and a little more.
      const slack = 3 * Math.max(1, start) + 0.02 * seconds;
      const waits = budgetWait(money, given);
      expect(waits).toBeGreaterThanOrEqual(watched(money, { ...given, seconds: Math.max(0, seconds - slack) }) * 0.99 - 3);
      expect(waits).toBeLessThanOrEqual(watched(money, { ...given, seconds: seconds + slack }) * 1.01 + 3);
    }),
    { numRuns: 100 },
  );
});
