import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { ongoing } from './ongoing.ts';
import type { FleetSummary } from './policy.ts';
import { defaultScaling, type ScalingSettings } from './settings.ts';

const replay = (settings: ScalingSettings, steps: Partial<FleetSummary>[]) => {
  let memory: ReturnType<typeof ongoing.decide>['memory'] = null;
  return steps.map((step) => {
    const decision = ongoing.decide(summaryOf(step), settings, memory);
    memory = decision.memory;
    return decision;
  });
};

test('the minimum, at least one, is started at its first decision, and the first tick is that of 1 s', () => {
  expect(ongoing.decide(summaryOf({ now: 0 }), defaultScaling, null)).toMatchObject({ start: 1, wakeAt: 1_000 });
  expect(ongoing.decide(summaryOf({ now: 0 }), { ...defaultScaling, minContainers: 3 }, null)).toMatchObject({ start: 3 });
  expect(ongoing.decide(summaryOf({ now: 5, idleForMs: [3, 2, 1] }), defaultScaling, null), 'after a restart').toMatchObject({ stop: 0 });
});

test('between ticks it remembers, does nothing and asks for the next tick, also for one of this very moment', () => {
  const settings = { ...defaultScaling, policySettings: { upscale_delay: 0 } };
  const [first, between, before, due] = replay(settings, [
    { now: 0 },
    { now: 1_500, queued: 7, running: 1, busy: 1 },
    { now: 2_000, queued: 7, running: 1, busy: 1 },
    { now: 2_000, due: true, queued: 7, running: 1, busy: 1 },
  ]);
  expect(between).toMatchObject({ start: 0, wakeAt: 2_000, memory: first?.memory });
  expect(before).toMatchObject({ start: 0, wakeAt: 2_000 });
  expect(due).toMatchObject({ start: 3, desired: 4, wakeAt: 3_000, reason: '8 in flight want 4' });
});

test('the look-back is averaged, and a wish is held for the delay although timers are late', () => {
  const settings = { ...defaultScaling, policySettings: { target_ongoing_requests: 1, look_back_period: 4_000, upscale_delay: 3_000 } };
  const ticks = [0, 0, 4, 4, 4, 4, 4].map((queued, n) => ({ now: (n + 1) * 1_000 + ((n * 7) % 5), due: true, queued, idleForMs: [1] }));
  const decisions = replay(settings, [{ now: 0 }, ...ticks]).slice(1);
  // Means: 0, 0, 4/3, 2, 3, 4, 4; the first wish for more is that of the third tick.
  expect(decisions.map(({ desired }) => desired)).toEqual([1, 1, 1, 1, 1, 4, 4]);
});

test('within min and max', () => {
  const settings = { ...defaultScaling, minContainers: 2, maxContainers: 5, policySettings: { upscale_delay: 0, downscale_delay: 0 } };
  const busy = { due: true, running: 2, busy: 2 };
  const decisions = replay(settings, [{ now: 0 }, { now: 1_000, queued: 60, ...busy }, { now: 40_000, due: true, idleForMs: [3, 2, 1] }]);
  expect(decisions.map(({ desired }) => desired)).toEqual([2, 5, 5]);
});
