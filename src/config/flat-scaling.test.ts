import { expect, test } from 'vitest';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { flatScaling, wholeChange } from './flat-scaling.ts';
import { parseScaling } from './scaling.ts';

test('a whole change leaves nothing of what was tuned before, but limits and budget', () => {
  const before = {
    min_containers: 3,
    max_containers: 20,
    policy: 'concurrency',
    policy_settings: { target_utilization: 0.5, stable_window: '10s' },
    budget: { usd_per_hour: 9 },
    slo: { window: '1m' },
  };
  const base = { ...defaultScaling, ...parseScaling(before) };
  const change = wholeChange('concurrency', { target_utilization: 0.85 }, { p: 0.9, latencyMs: 8_000 });
  expect({ ...base, ...parseScaling(change, base) }).toEqual({
    ...flatScaling('concurrency', { target_utilization: 0.85 }),
    maxContainers: 20,
    budget: { usdPerHour: 9, hard: false },
    slo: { p: 0.9, latencyMs: 8_000, windowMs: 60_000 },
  });
});
