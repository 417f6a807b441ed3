import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { policySettingsFrom } from '../config/policy-settings.ts';
import { defaultScaling, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { simulate } from './simulator.ts';
import { summarize } from './summary.ts';
import type { Trace } from './trace.ts';
import { parseTrace } from './trace-file.ts';

/** Exact results of a small reference simulator, on traces that any simulator can run: ours gives the same to the millisecond. */

interface Expected {
  settings: unknown;
  gpu_seconds: { total: number; start: number; busy: number; idle: number };
  p50_s: number;
  p95_s: number;
  p99_s: number;
  max_s: number;
  attainment: number;
  on_time: number;
  response_sum_s: number;
  windows_ok: number;
  starts: number;
  peak: number;
  end_s: number;
  responses_s?: number[];
}

interface Case {
  trace: string;
  horizon_s: number;
  start_up_s: number;
  slo: { p: number; latency_s: number };
  policies: Record<string, Expected>;
}

const folder = new URL('../../test/vectors/workloads/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('results.json', folder), 'utf8')) as { cases: Case[] };

const readTrace = (name: string): Trace => parseTrace(readFileSync(new URL(`${name}.csv`, folder), 'utf8'), name);

const settings = (
  policy: PolicyName,
  own: Record<string, number | string> = {},
  common: Partial<ScalingSettings> = {},
): ScalingSettings => ({
  ...defaultScaling,
  policy,
  policySettings: policySettingsFrom(policy, own, defaultScaling),
  ...common,
});

/** What the reference calls its policies, in our settings. */
function scalingOf(name: string): ScalingSettings {
  const known: Record<string, ScalingSettings> = {
    'per-input': settings('per-input'),
    knative: settings('concurrency'),
    'hpa-keda': settings('keda'),
    'ray-target-1': settings('ongoing', { target_ongoing_requests: 1 }),
    'ray-default': settings('ongoing'),
    'runpod-request-count': settings('request-count'),
    'runpod-queue-delay': settings('queue-delay'),
  };
  const count = /^fixed-(\d+)$/.exec(name)?.[1];
  return count === undefined ? known[name]! : settings('fixed', {}, { minContainers: Number(count) });
}

const seconds = (value: number): number => Math.round(value * 1000) / 1000;
const round6 = (value: number): number => Math.round(value * 1e6) / 1e6;
const withoutSettings = ({ settings: _settings, ...results }: Expected): object => results;

describe.each(cases)('$trace, starts of $start_up_s s', ({ trace: file, horizon_s, start_up_s, slo, policies }) => {
  const trace = readTrace(file);
  test.each(Object.entries(policies))('%s', (name, expected) => {
    const outcome = simulate({
      source: trace,
      scaling: scalingOf(name),
      startMs: start_up_s * 1000,
      horizonMs: horizon_s * 1000,
      periodMs: 0,
      slots: 10_000,
    });
    const summary = summarize(outcome, { slo: { p: 0.95, latencyMs: slo.latency_s * 1000, windowMs: 300_000 }, usdPerHour: null });
    const responses = [...outcome.responsesMs];
    expect({
      gpu_seconds: summary.gpu_seconds,
      p50_s: summary.latency_s.p50,
      p95_s: summary.latency_s.p95,
      p99_s: summary.latency_s.p99,
      max_s: Math.max(...responses) / 1000,
      on_time: responses.filter((ms) => ms <= slo.latency_s * 1000).length,
      attainment: round6(summary.attainment),
      response_sum_s: seconds(responses.reduce((sum, ms) => sum + ms, 0) / 1000),
      windows_ok: round6(summary.windows_attained),
      starts: summary.starts,
      peak: summary.peak_containers,
      end_s: outcome.endMs / 1000,
      ...(expected.responses_s && { responses_s: responses.map((ms) => ms / 1000) }),
    }).toEqual(withoutSettings(expected));
  });
});
