import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Behavior, ScalingRules } from './hpa-behavior.ts';
import { type HpaSettings, reconcile } from './hpa-recommender.ts';
import type { HpaState } from './hpa-state.ts';

interface VectorRules {
  stabilizationWindowSeconds?: number;
  selectPolicy: ScalingRules['select'];
  policies: { type: 'Pods' | 'Percent'; value: number; periodSeconds: number }[];
}

interface Scenario {
  name: string;
  settings: {
    behavior: { scaleUp: VectorRules; scaleDown: VectorRules } | null;
    downscale_window_s: number;
    max: number;
    min: number;
    initial_replicas: number;
    set_by_others: Record<string, number>;
    target: string;
    target_type: HpaSettings['targetType'];
    tolerance: number;
  };
  ticks: {
    t: number;
    inputs: { metric: number | null; ready: number; replicas: number };
    wish?: number | null;
    desired: number;
    changed: boolean;
    limit?: string;
    stabilised?: string;
  }[];
}

const { scenarios } = JSON.parse(readFileSync(new URL('../../../test/vectors/hpa.json', import.meta.url), 'utf8')) as {
  scenarios: Scenario[];
};

const rulesOf = (rules: VectorRules, windowS: number): ScalingRules => ({
  windowMs: (rules.stabilizationWindowSeconds ?? windowS) * 1000,
  select: rules.selectPolicy,
  policies: rules.policies.map(({ type, value, periodSeconds }) => ({ type, value, periodMs: periodSeconds * 1000 })),
});

function settingsOf(given: Scenario['settings']): HpaSettings {
  const { behavior, downscale_window_s: windowS } = given;
  const rules: Behavior | null = behavior && { up: rulesOf(behavior.scaleUp, 0), down: rulesOf(behavior.scaleDown, windowS) };
  return {
    targetType: given.target_type,
    target: given.target.endsWith('m') ? Number(given.target.slice(0, -1)) / 1000 : Number(given.target),
    tolerance: given.tolerance,
    downscaleWindowMs: windowS * 1000,
    min: given.min,
    max: given.max,
    behavior: rules,
  };
}

test('there is something to compare with', () => {
  expect(scenarios).toHaveLength(30);
});

test.each(scenarios)('the same as recorded in every tick: $name', ({ settings, ticks }) => {
  const given = settingsOf(settings);
  let state: HpaState | null = null;
  let replicas = settings.initial_replicas;
  let limit: string | null = null;
  for (const [n, tick] of ticks.entries()) {
    replicas = settings.set_by_others[n] ?? replicas;
    const before = JSON.stringify(state);
    const result = reconcile(state, { ...tick.inputs, nowMs: tick.t * 1000 }, given);
    expect(JSON.stringify(state), 'the state before is as it was').toBe(before);
    limit = result.limit ?? limit;
    const changed = result.desired !== replicas;
    expect({ t: tick.t, replicas, wish: result.wish, desired: result.desired, changed }).toEqual({
      t: tick.t,
      replicas: tick.inputs.replicas,
      wish: tick.wish ?? null,
      desired: tick.desired,
      changed: tick.changed,
    });
    // Recorded where the object's status was written; a change of the count took the place of the window's mark there.
    if (tick.limit !== undefined) {
      expect({ t: tick.t, limit, by: changed ? null : result.stabilised }).toEqual({
        t: tick.t,
        limit: tick.limit,
        by: tick.stabilised ?? null,
      });
    }
    state = JSON.parse(JSON.stringify(result.state)) as HpaState;
    replicas = result.desired;
  }
});

test('quantities are whole thousandths, rounded up', () => {
  const wish = (metric: number, target: number) =>
    reconcile(null, { nowMs: 0, metric, replicas: 1, ready: 1 }, { ...settingsOf(scenarios[0]!.settings), target, tolerance: 0 }).wish;
  expect([wish(1, 1), wish(1.0001, 1), wish(1.001, 1)]).toEqual([1, 2, 2]);
  // Times 1000 these are a little less, and a little more, than a whole number in doubles.
  expect([wish(1.001, 1.001), wish(2.007, 2.007), wish(2.007, 2.006)]).toEqual([1, 1, 2]);
});

test('both edges of the tolerance are inside it', () => {
  const wish = (metric: number) => reconcile(null, { nowMs: 0, metric, replicas: 10, ready: 10 }, settingsOf(scenarios[0]!.settings)).wish;
  expect([wish(8.999), wish(9), wish(11), wish(11.001)]).toEqual([9, 10, 10, 12]);
});
