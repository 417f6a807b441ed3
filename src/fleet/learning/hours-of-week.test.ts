import { describe, expect, test } from 'vitest';
import { HoursOfWeek } from './hours-of-week.ts';

const hour = 3_600_000;
const week = 168 * hour;

/** Arrivals spread evenly over an hour. */
function pass(hours: HoursOfWeek, from: number, arrivals: number): void {
  for (let n = 0; n < arrivals; n++) hours.arrived(from + ((n + 0.5) * hour) / arrivals);
}

describe('the usual rate of an hour of the week', () => {
  test('is not known before it was watched to its end', () => {
    const hours = new HoursOfWeek(0.5 * hour);
    pass(hours, hour, 100);
    expect(hours.rate(1.9 * hour, week + hour)).toBeNull();
    expect(hours.rate(2 * hour, week + hour)).toBeCloseTo(100 / 3_600, 6);
    // The first one had begun already.
    expect(hours.rate(2 * hour, week)).toBeNull();
  });

  test('follows the weeks, the newest with half the weight', () => {
    const hours = new HoursOfWeek(0);
    for (const [n, arrivals] of [100, 200].entries()) pass(hours, n * week + 5 * hour, arrivals);
    hours.arrived(week + 6.5 * hour);
    // Twice the usual: today's level stays until the next hour has ended.
    expect(hours.rate(week + 6.5 * hour, 2 * week + 5 * hour)).toBeCloseTo((150 * 2) / 3_600, 6);
  });

  test('goes by the level of today', () => {
    const hours = new HoursOfWeek(0);
    for (let at = 0; at < week; at += hour) pass(hours, at, 100);
    pass(hours, week, 100);
    pass(hours, week + hour, 50);
    expect(hours.rate(week + 2 * hour, week + 2 * hour)).toBeCloseTo(50 / 3_600, 6);
  });

  test('knows quiet hours, in which nobody came and nobody looked', () => {
    const hours = new HoursOfWeek(0);
    pass(hours, hour, 10);
    expect(hours.rate(10 * hour, week + 5 * hour)).toBe(0);
  });
});
