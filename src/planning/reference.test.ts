import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { policySettingsFrom } from '../config/policy-settings.ts';
import { defaultScaling, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { simulate } from './simulator.ts';
import type { Trace } from './trace.ts';

/** Exact results of a small reference simulator, on traces that any simulator can run: ours gives the same to the millisecond. */

interface Expected {
  gpu_seconds: { total: number; start: number; busy: number; idle: number };
  p50_s: number;
  p95_s: number;
  p99_s: number;
  max_s: number;
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

function readTrace(name: string): Trace {
  const [, ...lines] = readFileSync(new URL(`${name}.csv`, folder), 'utf8')
    .trim()
    .split('\n');
  const jobs = lines.map((line) => {
    const [arrival, service] = line.split(',').map(Number) as [number, number];
    return { arrivalMs: Math.round(arrival * 1000), serviceMs: Math.round(service * 1000), model: '', user: null, workflow: '' };
  });
  return { name, jobs };
}

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

/** Share of the 5-minute windows of arrivals with at least 95 % on time. */
function windowsOk(trace: Trace, responsesMs: readonly number[], latencyMs: number): number {
  const windows = Map.groupBy(trace.jobs.keys(), (index) => Math.floor(trace.jobs[index]!.arrivalMs / 300_000));
  const isOk = (jobs: readonly number[]): boolean => jobs.filter((index) => responsesMs[index]! <= latencyMs).length >= 0.95 * jobs.length;
  return [...windows.values()].filter(isOk).length / windows.size;
}

const seconds = (value: number): number => Math.round(value * 1000) / 1000;

describe.each(cases)('$trace, starts of $start_up_s s', ({ trace: file, horizon_s, start_up_s, slo, policies }) => {
  const trace = readTrace(file);
  test.each(Object.entries(policies))('%s', (name, expected) => {
    const outcome = simulate({
      trace,
      scaling: scalingOf(name),
      startMs: start_up_s * 1000,
      horizonMs: horizon_s * 1000,
      periodMs: 0,
      slots: 10_000,
    });
    const responses = [...outcome.responsesMs];
    const sorted = responses.toSorted((a, b) => a - b);
    const percentile = (p: number): number => seconds(sorted[Math.ceil(p * sorted.length) - 1]! / 1000);
    const { total, start, busy, idle } = outcome.gpuSeconds;
    expect({
      gpu_seconds: { total: seconds(total), start: seconds(start), busy: seconds(busy), idle: seconds(idle) },
      p50_s: percentile(0.5),
      p95_s: percentile(0.95),
      p99_s: percentile(0.99),
      max_s: percentile(1),
      on_time: responses.filter((ms) => ms <= slo.latency_s * 1000).length,
      response_sum_s: seconds(responses.reduce((sum, ms) => sum + ms, 0) / 1000),
      windows_ok: Math.round(windowsOk(trace, responses, slo.latency_s * 1000) * 1e6) / 1e6,
      starts: outcome.starts,
      peak: outcome.peakContainers,
      end_s: seconds(outcome.endMs / 1000),
      ...(expected.responses_s && { responses_s: responses.map((ms) => ms / 1000) }),
    }).toMatchObject({
      gpu_seconds: expected.gpu_seconds,
      p50_s: expected.p50_s,
      p95_s: expected.p95_s,
      p99_s: expected.p99_s,
      max_s: expected.max_s,
      on_time: expected.on_time,
      response_sum_s: expected.response_sum_s,
      windows_ok: expected.windows_ok,
      starts: expected.starts,
      peak: expected.peak,
      end_s: expected.end_s,
      ...(expected.responses_s && { responses_s: expected.responses_s }),
    });
  });
});
