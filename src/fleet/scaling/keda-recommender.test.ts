import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type HpaSettings, reconcile } from './hpa-recommender.ts';
import type { HpaState } from './hpa-state.ts';
import { type KedaSettings, poll, type Polled } from './keda-recommender.ts';

interface Scenario {
  name: string;
  settings: {
    target: number;
    min_replicas: number;
    max_replicas: number;
    cooldown_s: number;
    idle_replicas: number | null;
    activation_threshold: number;
    hpa_downscale_window_s: number;
    hpa_tolerance: number;
  };
  ticks: {
    t: number;
    polled: boolean;
    inputs: { metric: number; replicas: number };
    after_keda: number;
    desired: number;
    by: string | null;
  }[];
}

const { scenarios } = JSON.parse(readFileSync(new URL('../../../test/vectors/keda.json', import.meta.url), 'utf8')) as {
  scenarios: Scenario[];
};

const kedaOf = (given: Scenario['settings']): KedaSettings => ({
  min: given.min_replicas,
  cooldownMs: given.cooldown_s * 1000,
  idle: given.idle_replicas,
  activationThreshold: given.activation_threshold,
});

const hpaOf = (given: Scenario['settings']): HpaSettings => ({
  targetType: 'AverageValue',
  target: given.target,
  tolerance: given.hpa_tolerance,
  downscaleWindowMs: given.hpa_downscale_window_s * 1000,
  min: Math.max(1, given.min_replicas),
  max: given.max_replicas,
  behavior: null,
});

test('there is something to compare with', () => {
  expect(scenarios).toHaveLength(10);
});

test.each(scenarios)('the same as recorded in every tick: $name', ({ settings, ticks }) => {
  let keda: Polled = { replicas: ticks[0]!.inputs.replicas, lastActiveAt: null };
  let hpa: HpaState | null = null;
  for (const { t, polled, inputs, ...recorded } of ticks) {
    const nowMs = t * 1000;
    const found = keda.replicas;
    if (polled) keda = poll(keda, { nowMs, metric: inputs.metric }, kedaOf(settings));
    const after = keda.replicas;
    const { desired, state } = reconcile(hpa, { nowMs, metric: inputs.metric, replicas: after, ready: after }, hpaOf(settings));
    const byKeda = after > found ? 'keda-activate' : 'keda-deactivate';
    const by = after === found ? (desired === after ? null : 'hpa') : byKeda;
    expect({ t, replicas: found, after_keda: after, desired, by }).toEqual({ t, replicas: inputs.replicas, ...recorded });
    hpa = state;
    keda = { ...keda, replicas: desired };
  }
});

const settings: KedaSettings = { min: 0, cooldownMs: 300_000, idle: null, activationThreshold: 0 };

test('a minimum that was raised while nothing is active is set at the next poll', () => {
  const before = { replicas: 0, lastActiveAt: null };
  expect(poll(before, { nowMs: 0, metric: 0 }, { ...settings, min: 2 }).replicas).toBe(2);
  expect(poll(before, { nowMs: 0, metric: 0 }, { ...settings, min: 2, idle: 1 }).replicas).toBe(0);
});

test('an idle count below the minimum is what stays, and activity brings the minimum back', () => {
  const given = { ...settings, min: 4, idle: 1 };
  const asleep = poll({ replicas: 4, lastActiveAt: 0 }, { nowMs: 300_001, metric: 0 }, given);
  expect(asleep).toEqual({ replicas: 1, lastActiveAt: 0 });
  expect(poll(asleep, { nowMs: 330_000, metric: 1 }, given)).toEqual({ replicas: 4, lastActiveAt: 330_000 });
});
