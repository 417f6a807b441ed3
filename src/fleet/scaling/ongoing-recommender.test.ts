import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Hold, recommendOngoing, type OngoingSettings } from './ongoing-recommender.ts';

interface Vectors {
  scenarios: {
    name: string;
    settings: Record<string, number | null>;
    ticks: {
      t: number;
      inputs: { total_requests: number; running: number; target: number };
      raw: number | null;
      wish: number | null;
      unbounded: number;
      desired: number;
      direction: string;
      held_since: number | null;
    }[];
  }[];
}

const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/ray.json', import.meta.url), 'utf8')) as Vectors;

const inMs = (seconds: number): number => Math.round(seconds * 1000);

function settingsOf(given: Record<string, number | null>): OngoingSettings {
  const number = (name: string): number => given[name] ?? Number.NaN;
  const toZero = given['downscale_to_zero_delay_s'] ?? null;
  return {
    targetOngoingRequests: number('target_ongoing_requests'),
    min: number('min_replicas'),
    max: number('max_replicas'),
    upscaleDelayMs: inMs(number('upscale_delay_s')),
    downscaleDelayMs: inMs(number('downscale_delay_s')),
    downscaleToZeroDelayMs: toZero === null ? null : inMs(toZero),
    upscalingFactor: number('upscaling_factor'),
    downscalingFactor: number('downscaling_factor'),
  };
}

test.each(vectors.scenarios)('decides as recorded: $name', (scenario) => {
  const settings = settingsOf(scenario.settings);
  let hold: Hold | null = null;
  for (const { t, inputs, ...recorded } of scenario.ticks) {
    const before = JSON.stringify(hold);
    const { total_requests: requests, running, target } = inputs;
    const held: Hold | null = hold;
    const { raw, wish, unbounded, desired, hold: after } = recommendOngoing({ nowMs: inMs(t), requests, running, target }, held, settings);
    expect(JSON.stringify(held), 'its state is never changed in place').toBe(before);
    hold = after;
    const since = recorded.held_since === null ? null : inMs(recorded.held_since);
    expect({ t, raw, wish, unbounded, desired, direction: hold?.direction ?? 'hold', since: hold?.sinceMs ?? null }).toEqual({
      t,
      raw: recorded.raw,
      wish: recorded.wish,
      unbounded: recorded.unbounded,
      desired: recorded.desired,
      direction: recorded.direction,
      since,
    });
  }
});

test('the vectors are all there', () => {
  expect(vectors.scenarios).toHaveLength(22);
  expect(vectors.scenarios.flatMap(({ ticks }) => ticks)).toHaveLength(2_552);
});

test('a wish that is held is forgotten when nothing runs any more', () => {
  const settings = settingsOf(vectors.scenarios[0]!.settings);
  const { hold } = recommendOngoing({ nowMs: 1_000, requests: 12, running: 1, target: 1 }, null, settings);
  expect(hold).toEqual({ direction: 'up', sinceMs: 1_000 });
  expect(recommendOngoing({ nowMs: 2_000, requests: 12, running: 0, target: 1 }, hold, settings)).toMatchObject({ desired: 1, hold: null });
});
