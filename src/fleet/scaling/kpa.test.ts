import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scaleToZero, type Activity } from './kpa-zero.ts';
import { newKpa, recommend, recordSample, type KpaSettings } from './kpa.ts';

interface Tick {
  t: number;
  inputs: { ready: number; samples: [number, number][] };
  valid: boolean;
  desired: number | null;
  desired_bounded?: number;
  panic: boolean;
  panic_renewed_at?: number;
  max_panic_pods?: number;
  stable_avg?: number;
  panic_avg?: number;
  excess_burst_capacity?: number;
  activator_in_path?: boolean;
}

interface Resolved {
  aggregation: KpaSettings['aggregation'];
  stable_window_s: number;
  panic_window_s: number;
  panic_threshold: number;
  max_scale_up_rate: number;
  max_scale_down_rate: number;
  scale_down_delay_s: number;
  activation_scale: number;
  target_value: number;
  total_value: number;
  target_burst_capacity: number;
  min_scale: number;
  max_scale: number;
}

interface ZeroCase {
  name: string;
  inputs: {
    pa_active: 'True' | 'Unknown' | 'False';
    pa_status_for_s: number;
    proxy_for_s: number;
    activator_probe_ok: boolean;
    desired: number;
    unreachable: boolean;
    progress_deadline_s: number;
    config?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  scale: number;
  apply: boolean;
  recheck_after_s: number[];
}

interface Vectors {
  scenarios: {
    name: string;
    settings: { reachable: boolean; ready_at_creation: number; resolved: Resolved };
    ticks: Tick[];
  }[];
  scale_to_zero: ZeroCase[];
}

const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/knative.json', import.meta.url), 'utf8')) as Vectors;
const ms = (seconds: number): number => Math.round(seconds * 1_000);

const settingsOf = (given: Resolved, reachable: boolean): KpaSettings => ({
  aggregation: given.aggregation,
  stableWindowMs: ms(given.stable_window_s),
  panicWindowMs: ms(given.panic_window_s),
  panicThreshold: given.panic_threshold,
  maxScaleUpRate: given.max_scale_up_rate,
  maxScaleDownRate: given.max_scale_down_rate,
  scaleDownDelayMs: ms(given.scale_down_delay_s),
  activationScale: given.activation_scale,
  targetValue: given.target_value,
  totalValue: given.total_value,
  targetBurstCapacity: given.target_burst_capacity,
  reachable,
});

test.each(vectors.scenarios)('wishes as recorded: $name', ({ settings: { reachable, ready_at_creation: created, resolved }, ticks }) => {
  const settings = settingsOf(resolved, reachable);
  let state = newKpa(0, created);
  for (const { t, inputs, ...expected } of ticks) {
    for (const [at, value] of inputs.samples) state = recordSample(state, settings, ms(at), value);
    // The state goes through JSON, as a policy's memory may.
    const before = JSON.stringify(state);
    const result = recommend(state, settings, ms(t), inputs.ready);
    expect(JSON.stringify(state)).toBe(before);
    expect({ t, valid: result !== null, desired: result?.desired ?? null }).toEqual({
      t,
      valid: expected.valid,
      desired: expected.desired,
    });
    state = result?.state ?? (JSON.parse(before) as typeof state);
    expect({ t, panic: state.panicRenewedAt !== null }).toEqual({ t, panic: expected.panic });
    if (expected.panic) {
      expect({ t, at: state.panicRenewedAt, max: state.maxPanic }).toEqual({
        t,
        at: ms(expected.panic_renewed_at ?? NaN),
        max: expected.max_panic_pods,
      });
    }
    if (result === null) continue;
    const bounded = Math.min(Math.max(result.desired, resolved.min_scale), resolved.max_scale || Infinity);
    const { excessBurstCapacity: excess } = result;
    expect({ t, bounded, excess, inPath: excess < 0 }).toEqual({
      t,
      bounded: expected.desired_bounded,
      excess: expected.excess_burst_capacity,
      inPath: expected.activator_in_path,
    });
    expect(Math.abs(result.stableAverage - (expected.stable_avg ?? NaN))).toBeLessThan(1e-9);
    expect(Math.abs(result.panicAverage - (expected.panic_avg ?? NaN))).toBeLessThan(1e-9);
  }
});

const activities: Record<ZeroCase['inputs']['pa_active'], Activity> = { True: 'active', Unknown: 'activating', False: 'idle' };
const secondsOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : ms(Number.parseFloat(text)));

test.each(vectors.scale_to_zero)('the last container: $name', ({ inputs, scale, apply, recheck_after_s: recheck }) => {
  const { config = {}, annotations = {} } = inputs;
  // Where the buffer is always in front, nobody asks it whether it is there.
  const always = annotations['autoscaling.knative.dev/target-burst-capacity'] === '-1';
  const answer = scaleToZero(
    {
      desired: inputs.desired,
      activity: activities[inputs.pa_active],
      activityForMs: ms(inputs.pa_status_for_s),
      bufferedForMs: Math.max(0, ms(inputs.proxy_for_s)),
      bufferAnswers: always || inputs.activator_probe_ok,
    },
    {
      enabled: config['enable-scale-to-zero'] !== 'false',
      stableWindowMs: 60_000,
      graceMs: secondsOf(config['scale-to-zero-grace-period']) ?? 30_000,
      retentionMs: secondsOf(annotations['autoscaling.knative.dev/scale-to-zero-pod-retention-period']) ?? 0,
      deadlineMs: ms(inputs.progress_deadline_s),
      reachable: !inputs.unreachable,
    },
  );
  expect(answer).toEqual({ scale, apply, againInMs: recheck[0] === undefined ? null : ms(recheck[0]) });
});
