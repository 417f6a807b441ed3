import { expect, test } from 'vitest';
import type { Container } from '../fleet/container.ts';
import type { Job } from './job.ts';
import { coldWait, nothingSpent, splitTiming, usageOf } from './timing.ts';

const job = { createdAt: 1_000 } as Job;

test.each([
  ['started for it', { startedAt: 1_000, readyAt: 16_000 }, 16_000, 15_000],
  ['already starting when it came', { startedAt: 0, readyAt: 16_000 }, 16_000, 15_000],
  ['ready long before', { startedAt: 0, readyAt: 500 }, 3_000, 0],
  ['started late, then busy with another job', { startedAt: 5_000, readyAt: 9_000 }, 20_000, 4_000],
])('the wait that a start caused: %s', (_what, container, assignedAt, cold) => {
  expect(coldWait({ waitingSince: 1_000 }, container, assignedAt)).toBe(cold);
});

test('parts are disjoint and sum to accepted-to-finished', () => {
  const run = { startedAt: 16_500, promptEndedAt: 20_000 };
  expect(splitTiming(job, { coldMs: 15_000, runMs: 0 }, run, 20_450)).toEqual({ queue: 500, cold: 15_000, run: 3_500, store: 450 });
  expect(splitTiming(job, { coldMs: 2_000, runMs: 1_000 }, run, 20_450)).toEqual({ queue: 12_500, cold: 2_000, run: 4_500, store: 450 });
  expect(splitTiming(job, nothingSpent, null, 6_000)).toEqual({ queue: 5_000, cold: 0, run: 0, store: 0 });
});

test('money is seconds x share x price per hour / 3600, and null without a price', () => {
  const container = { gpu: 'A10G', share: 0.5, usdPerHour: 1.1 } as Container;
  expect(usageOf(container, 3_600_000)).toEqual({ containerSeconds: 3_600, share: 0.5, gpu: 'A10G', usd: 0.55 });
  expect(usageOf({ ...container, usdPerHour: null }, 1_000).usd).toBeNull();
});
