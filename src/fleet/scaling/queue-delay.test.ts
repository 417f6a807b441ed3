import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { queueDelay } from './queue-delay.ts';
import { defaultScaling } from './settings.ts';

// What was recorded is replayed in request-count.test.ts.

test('late is what has waited as long as its setting says', () => {
  expect(queueDelay.lateAfterMs?.(defaultScaling)).toBe(4_000);
  expect(queueDelay.lateAfterMs?.({ ...defaultScaling, policySettings: { queue_delay: 700 } })).toBe(700);
});

test('late jobs are counted at whole seconds only, and a wake for an idle container is none of them', () => {
  const late = { queued: 3, late: 3, busy: 1, running: 1 };
  const arrived = queueDelay.decide(summaryOf({ now: 5_200, ...late }), defaultScaling, null);
  expect(arrived).toMatchObject({ start: 0, wakeAt: 6_000 });
  const woken = queueDelay.decide(summaryOf({ now: 5_600, due: true, ...late }), defaultScaling, arrived.memory);
  expect(woken).toMatchObject({ start: 0, wakeAt: 6_000 });
  const tick = queueDelay.decide(summaryOf({ now: 6_002, due: true, starting: 1, ...late }), defaultScaling, woken.memory);
  expect(tick).toMatchObject({ start: 2, desired: 4, wakeAt: 7_000, reason: '3 late of 3 in the queue' });
});

test('it asks for no tick while nothing is queued', () => {
  expect(queueDelay.decide(summaryOf({ now: 100, busy: 1, running: 1 }), defaultScaling, null)).toMatchObject({
    wakeAt: null,
    memory: null,
  });
});

test('one idle container stays while anything is queued', () => {
  const idle = { now: 9_500, due: true, idleForMs: [7_000, 6_000] };
  expect(queueDelay.decide(summaryOf({ ...idle, queued: 1 }), defaultScaling, null).stop).toBe(1);
  expect(queueDelay.decide(summaryOf(idle), defaultScaling, null).stop).toBe(2);
});
