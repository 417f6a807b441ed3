import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { summaryOf } from '../../../test/support/summary.ts';
import { queueDelay } from './queue-delay.ts';
import { requestCount } from './request-count.ts';
import { defaultScaling, type ScalingSettings } from './settings.ts';

interface Vectors {
  scenarios: {
    name: string;
    settings: { scaler: string; scaler_value: number; idle_s: number; active_workers: number; max_workers: number };
    ticks: {
      t: number;
      event: string;
      inputs: { queued: number; running: number; starting: number; idle_for_s: number[] };
      desired: number;
      start: number;
      stop: number;
    }[];
  }[];
  request_count_table: { queued: number; running: number; scaler_value: number; workers: number }[];
}

const file = new URL('../../../test/vectors/request-count-and-queue-delay.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

const settingsOf = ({ scaler, scaler_value, idle_s, ...limits }: Vectors['scenarios'][number]['settings']): ScalingSettings => ({
  ...defaultScaling,
  minContainers: limits.active_workers,
  maxContainers: limits.max_workers,
  policySettings: {
    idle_timeout: idle_s * 1000,
    ...(scaler === 'QUEUE_DELAY' ? { queue_delay: scaler_value * 1000 } : { requests_per_worker: scaler_value }),
  },
});

test.each(vectors.scenarios)('starts, stops and wakes as recorded: $name', (scenario) => {
  const policy = scenario.settings.scaler === 'QUEUE_DELAY' ? queueDelay : requestCount;
  const settings = settingsOf(scenario.settings);
  const lateAfterMs = policy.lateAfterMs?.(settings) ?? Infinity;
  const arrivedAt: number[] = [];
  let memory: ReturnType<typeof policy.decide>['memory'] = null;
  let wakeAt: number | null = null;
  for (const { t, event, inputs, ...recorded } of scenario.ticks) {
    const now = Math.round(t * 1000);
    const due = event === 'expired' || event === 'tick';
    if (event === 'arrived') arrivedAt.push(now);
    if (wakeAt !== null) expect(now, 'nothing is left waiting').toBeLessThanOrEqual(wakeAt);
    const { queued, running, starting } = inputs;
    const late = arrivedAt.slice(arrivedAt.length - queued).filter((at) => now - at >= lateAfterMs).length;
    const idleForMs = inputs.idle_for_s.map((seconds) => Math.round(seconds * 1000));
    const summary = summaryOf({ now, due, queued, running, starting, busy: running, idleForMs, late });
    const decision = policy.decide(summary, settings, memory);
    if (due && decision.start + decision.stop > 0) expect(wakeAt, 'it asked for this moment').toBe(now);
    const alive = starting + running + idleForMs.length + decision.start - decision.stop;
    expect({ t, event, start: decision.start, stop: decision.stop, desired: alive }).toEqual({ t, event, ...recorded });
    ({ memory, wakeAt } = decision);
  }
});

test('the vectors are all there', () => {
  expect(vectors.scenarios).toHaveLength(11);
  expect(vectors.scenarios.flatMap(({ ticks }) => ticks)).toHaveLength(525);
});

test.each(vectors.request_count_table)('$queued queued, $running running, $scaler_value each: $workers', (row) => {
  const summary = summaryOf({ queued: row.queued, running: row.running });
  const settings = { ...defaultScaling, policySettings: { requests_per_worker: row.scaler_value } };
  expect(requestCount.decide(summary, settings, null).desired).toBe(row.workers);
});

test('an idle one above the count goes when its timeout has passed, and the next one is asked for', () => {
  const summary = summaryOf({ now: 10_000, running: 1, busy: 1, idleForMs: [6_000, 2_000] });
  expect(requestCount.decide(summary, defaultScaling, null)).toMatchObject({ start: 0, stop: 1, desired: 1, wakeAt: 13_000 });
});
