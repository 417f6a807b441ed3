import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Deployment } from '../deployments/deployment.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import type { QueueView } from '../fleet/fleet.ts';
import type { Job } from '../jobs/job.ts';
import type { DecisionRecord } from '../store/store.ts';
import { createInstruments } from './instruments.ts';
import { createMetrics, type MetricsSources } from './metrics.ts';

const baseJob: Job = {
  id: 'j1',
  workspace: 'local',
  environment: 'production',
  deployment: 'collage',
  revision: 'r1',
  source: 'simple',
  key: null,
  priority: 0,
  number: 0,
  prompt: null,
  inputs: { prompt: 'a secret prompt' },
  graph: {},
  files: [],
  outputNodes: [],
  modelKey: '',
  deadlineAt: null,
  executionTimeoutMs: 1000,
  webhook: null,
  state: 'queued',
  cancelRequested: false,
  createdAt: 10_000,
  startedAt: null,
  finishedAt: null,
  attempts: 0,
  lostContainers: 0,
  token: 0,
  container: null,
  error: null,
  outputs: [],
  timing: null,
  usage: null,
};

const finishedJob: Job = {
  ...baseJob,
  state: 'succeeded',
  startedAt: 28_000,
  finishedAt: 32_500,
  outputs: [{ index: 0, node: '9', kind: 'image', mime: 'image/png', filename: 'a.png', bytes: 1234, asset: 'blake3:00' }],
  timing: { queue: 1000, cold: 17_000, run: 4400, store: 100 },
  usage: { containerSeconds: 4.5, share: 1, gpu: 'A10G', usd: 0.001 },
};

const baseContainer: ContainerRecord = {
  id: 'c1',
  host: 'local',
  device: 'gpu0',
  gpu: 'A10G',
  share: 0.5,
  workspace: 'local',
  environment: 'production',
  deployment: 'collage',
  revision: 'r1',
  runtime: 'emulated',
  epoch: 1,
  state: 'starting',
  endpoint: null,
  startedAt: 10_000,
  readyAt: null,
  stoppedAt: null,
  startReason: '3 in flight want 3',
  stopReason: null,
  failure: null,
  phases: [],
  jobsDone: 0,
  busySeconds: 0,
  usdPerHour: 3600,
};

function setUp(sources: Partial<MetricsSources> = {}) {
  const clock = { time: 10_000, now: () => clock.time, at: () => ({ cancel: () => undefined }) };
  const none = { queues: () => [], deployments: () => [], shadows: () => [], gpus: {}, gpuLimit: null };
  const metrics = createMetrics({ version: '1.2.3', clock, ...none, ...sources });
  return {
    clock,
    metrics,
    container: (container: ContainerRecord) => metrics.observe({ kind: 'container', container, inFlight: 0 }),
    samples: async () => parse(await metrics.text()),
  };
}

/** A strict reader of the text format: every line is a comment or a sample, every sample belongs to a declared family. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const families = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type?.[1]) families.add(type[1]);
    if (line.startsWith('#')) continue;
    const sample = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!sample) throw new Error(`not a sample: ${line}`);
    const [, name = '', labels = '', value = ''] = sample;
    const family = name.replace(/_(bucket|sum|count)$/, '');
    if (!families.has(name) && !families.has(family)) throw new Error(`no TYPE before ${line}`);
    samples.set(
      `${name}{${labels
        .split(/,(?=[a-z_]+=)/)
        .sort()
        .join(',')}}`,
      Number(value),
    );
  }
  return samples;
}

const of = 'deployment="collage",environment="production"';

describe('jobs', () => {
  test('a cold job is counted with the parts of its time', async () => {
    const { metrics, samples } = setUp();
    metrics.observe({ kind: 'job', job: baseJob, change: 'queued' });
    metrics.observe({ kind: 'job', job: baseJob, change: 'requeued' });
    metrics.observe({ kind: 'job', job: finishedJob, change: 'succeeded' });
    const found = await samples();
    expect(found.get(`comfleet_jobs_submitted_total{${of},source="simple"}`)).toBe(1);
    expect(found.get(`comfleet_job_retries_total{${of},reason="container_lost"}`)).toBe(1);
    expect(found.get(`comfleet_jobs_finished_total{cold="true",${of},outcome="succeeded"}`)).toBe(1);
    expect(found.get(`comfleet_job_queue_seconds_sum{cold="true",${of}}`)).toBe(18);
    expect(found.get(`comfleet_job_total_seconds_sum{cold="true",${of},outcome="succeeded"}`)).toBe(22.5);
    expect(found.get(`comfleet_job_run_seconds_sum{${of},gpu="A10G",outcome="succeeded"}`)).toBe(4.4);
    expect(found.get(`comfleet_job_cold_wait_seconds_sum{${of},gpu="A10G"}`)).toBe(17);
    expect(found.get(`comfleet_cold_starts_total{${of},gpu="A10G"}`)).toBe(1);
    expect(found.get(`comfleet_outputs_total{${of},media="image"}`)).toBe(1);
    expect(found.get(`comfleet_output_bytes_total{${of},media="image"}`)).toBe(1234);
  });

  test('a job that never ran has no time on a container', async () => {
    const { metrics, samples } = setUp();
    const canceled: Job = { ...baseJob, state: 'canceled', finishedAt: 12_000, timing: { queue: 2000, cold: 0, run: 0, store: 0 } };
    metrics.observe({ kind: 'job', job: canceled, change: 'canceled' });
    const found = await samples();
    expect(found.get(`comfleet_jobs_finished_total{cold="false",${of},outcome="canceled"}`)).toBe(1);
    expect([...found.keys()].filter((key) => /^comfleet_job_(run|queue|cold_wait)_seconds/.test(key))).toEqual([]);
  });

  test('a running job that is to be cancelled has not ended', async () => {
    const { metrics, samples } = setUp();
    metrics.observe({ kind: 'job', job: { ...baseJob, state: 'running' }, change: 'cancel_requested' });
    expect([...(await samples()).keys()].filter((key) => key.startsWith('comfleet_jobs_finished'))).toEqual([]);
  });

  test('refusals count by code', async () => {
    const { metrics, samples } = setUp();
    metrics.jobRejected({ deployment: 'collage', environment: 'production', reason: 'invalid_input' });
    expect((await samples()).get(`comfleet_jobs_rejected_total{${of},reason="invalid_input"}`)).toBe(1);
  });
});

describe('containers', () => {
  test('a life gives a start with its phases, a stop, GPU seconds and dollars that grow between scrapes', async () => {
    const { clock, container, samples } = setUp();
    container(baseContainer);
    clock.time = 15_000;
    expect((await samples()).get(`comfleet_gpu_seconds_total{${of},gpu="A10G",state="starting"}`)).toBe(2.5);
    const phases = [{ phase: 'imports', from: 12_000, to: 30_000 }] as const;
    container({ ...baseContainer, state: 'ready', readyAt: 30_000, phases });
    const models = { phase: 'models', from: 31_000, to: 33_000 } as const;
    for (const jobsDone of [1, 2]) container({ ...baseContainer, state: 'ready', readyAt: 30_000, phases: [...phases, models], jobsDone });
    clock.time = 40_000;
    const ready = await samples();
    expect(ready.get(`comfleet_containers{${of},gpu="A10G",state="ready"}`)).toBe(1);
    expect(ready.get(`comfleet_cost_rate_dollars_per_hour{${of},gpu="A10G"}`)).toBe(1800);
    container({
      ...baseContainer,
      state: 'stopped',
      readyAt: 30_000,
      stoppedAt: 42_000,
      busySeconds: 7,
      phases: [...phases, models],
      stopReason: 'idle longer than the scaledown window',
    });
    clock.time = 90_000;
    const end = await samples();
    expect(end.get(`comfleet_container_starts_total{${of},gpu="A10G",reason="demand"}`)).toBe(1);
    expect(end.get(`comfleet_container_stops_total{${of},gpu="A10G",reason="idle"}`)).toBe(1);
    expect(end.get(`comfleet_container_start_seconds_sum{${of},gpu="A10G",phase="imports"}`)).toBe(18);
    expect(end.get(`comfleet_container_start_seconds_sum{${of},gpu="A10G",phase="models"}`)).toBe(2);
    expect(end.get(`comfleet_container_start_seconds_count{${of},gpu="A10G",phase="models"}`)).toBe(1);
    expect(end.get(`comfleet_container_start_seconds_sum{${of},gpu="A10G",phase="total"}`)).toBe(20);
    expect(end.get(`comfleet_gpu_seconds_total{${of},gpu="A10G",state="starting"}`)).toBe(10);
    expect(end.get(`comfleet_gpu_seconds_total{${of},gpu="A10G",state="busy"}`)).toBe(3.5);
    expect(end.get(`comfleet_cost_dollars_total{${of},gpu="A10G",state="busy"}`)).toBe(3.5);
    expect(end.has(`comfleet_containers{${of},gpu="A10G",state="ready"}`)).toBe(false);
  });

  test('an adopted container is no start, and its earlier life was counted elsewhere', async () => {
    const { clock, container, samples } = setUp();
    container({ ...baseContainer, state: 'ready', startedAt: 1000, readyAt: 2000 });
    clock.time = 14_000;
    const found = await samples();
    expect([...found.keys()].filter((key) => /container_start(s_total|_seconds)/.test(key))).toEqual([]);
    expect(found.get(`comfleet_gpu_seconds_total{${of},gpu="A10G",state="idle"}`)).toBe(2);
    expect(found.has(`comfleet_gpu_seconds_total{${of},gpu="A10G",state="starting"}`)).toBe(false);
  });

  test('without a price there are GPU seconds and no dollars', async () => {
    const { clock, container, samples } = setUp();
    container({ ...baseContainer, usdPerHour: null });
    clock.time = 20_000;
    const found = await samples();
    expect(found.get(`comfleet_gpu_seconds_total{${of},gpu="A10G",state="starting"}`)).toBe(5);
    expect([...found.keys()].filter((key) => key.startsWith('comfleet_cost'))).toEqual([]);
  });

  test('a failed start is a stop with the code of its failure', async () => {
    const { container, samples } = setUp();
    container(baseContainer);
    container({
      ...baseContainer,
      state: 'failed',
      stoppedAt: 11_000,
      stopReason: 'torch is missing',
      failure: { code: 'start_failed', message: 'torch is missing' },
    });
    const found = await samples();
    expect(found.get(`comfleet_container_stops_total{${of},gpu="A10G",reason="start_failed"}`)).toBe(1);
    expect([...found.keys()].filter((key) => key.startsWith('comfleet_container_start_seconds'))).toEqual([]);
  });
});

describe('gauges read at the scrape', () => {
  const queue: QueueView = {
    deployment: 'collage',
    environment: 'production',
    queued: 12,
    running: 3,
    oldestQueuedAt: 8_000,
    desired: 15,
    target: 10,
    heldBy: 'max_containers',
    note: null,
  };
  const deployment: Deployment = {
    name: 'collage',
    environment: 'production',
    workspace: 'local',
    default: true,
    revision: 'r1',
    scaling: { ...defaultScaling, maxContainers: 10, bufferContainers: 2, maxInputs: 4 },
    executionTimeoutMs: 1000,
    problems: [],
    createdAt: 0,
    updatedAt: 0,
  };

  test('queues, wishes, limits and prices', async () => {
    const { samples } = setUp({
      queues: () => [queue],
      deployments: () => [deployment],
      gpus: { A10G: { usdPerHour: 1.1 } },
      gpuLimit: 30,
    });
    const found = await samples();
    expect(found.get(`comfleet_jobs_queued{${of}}`)).toBe(12);
    expect(found.get(`comfleet_jobs_running{${of}}`)).toBe(3);
    expect(found.get(`comfleet_job_oldest_queued_seconds{${of}}`)).toBe(2);
    expect(found.get(`comfleet_autoscaler_desired_containers{${of}}`)).toBe(15);
    expect(found.get(`comfleet_autoscaler_target_containers{${of}}`)).toBe(10);
    expect(found.get(`comfleet_autoscaler_bound_active{bound="max_containers",${of}}`)).toBe(1);
    expect(found.get(`comfleet_limit_containers{${of},limit="max"}`)).toBe(10);
    expect(found.get(`comfleet_limit_containers{${of},limit="buffer"}`)).toBe(2);
    expect(found.get(`comfleet_container_inputs_max{${of}}`)).toBe(4);
    expect(found.get('comfleet_limit_gpus{scope="workspace"}')).toBe(30);
    expect(found.get('comfleet_gpu_price_dollars_per_hour{gpu="A10G"}')).toBe(1.1);
    expect(found.get(`comfleet_build_info{node_version="${process.version}",version="1.2.3"}`)).toBe(1);
  });

  test('a limit that no longer holds disappears', async () => {
    let heldBy: string | null = 'capacity';
    const { samples } = setUp({ queues: () => [{ ...queue, heldBy }] });
    expect((await samples()).get(`comfleet_autoscaler_bound_active{bound="capacity",${of}}`)).toBe(1);
    heldBy = null;
    expect([...(await samples()).keys()].filter((key) => key.startsWith('comfleet_autoscaler_bound'))).toEqual([]);
  });

  test('the 201st deployment and later ones share _other', async () => {
    const queues = Array.from({ length: 205 }, (_, n) => ({ ...queue, deployment: `d${n}`, oldestQueuedAt: 8_000 + n }));
    const { samples } = setUp({ queues: () => queues });
    const found = await samples();
    expect(found.get('comfleet_jobs_queued{deployment="_other",environment="_other"}')).toBe(60);
    expect(found.get('comfleet_job_oldest_queued_seconds{deployment="_other",environment="_other"}')).toBe(1.8);
    expect([...found.keys()].filter((key) => key.startsWith('comfleet_jobs_queued')).length).toBe(201);
  });
});

test('decisions count by direction; words of a reason never become labels', async () => {
  const { metrics, samples } = setUp();
  const decide = (start: number, stop: number, reason: string) => {
    const data = { decision: { reason }, limited: { start, stop, drain: 0 } };
    const decision: DecisionRecord = {
      seq: 1,
      at: 0,
      deployment: 'collage',
      environment: 'production',
      kind: 'scale',
      reason,
      data,
      hash: '',
    };
    metrics.observe({ kind: 'decision', decision });
  };
  decide(3, 0, '3 in flight want 3');
  decide(4, 0, '17 in flight want 17');
  decide(0, 1, 'idle longer than the scaledown window');
  decide(0, 0, 'something new: 17.3');
  const found = await samples();
  const decisions = (direction: string, reason: string) =>
    found.get(
      `comfleet_autoscaler_decisions_total{deployment="collage",direction="${direction}",environment="production",reason="${reason}"}`,
    );
  expect(decisions('up', 'demand')).toBe(2);
  expect(decisions('down', 'idle')).toBe(1);
  expect(decisions('hold', 'other')).toBe(1);
});

test('HTTP: routes are patterns, methods a closed list, failures named', async () => {
  const { metrics, samples } = setUp();
  const exchange = { method: 'GET', route: '/fleet/v1/jobs/:id' };
  metrics.httpStarted(exchange);
  metrics.httpStarted({ method: 'BREW', route: null });
  expect((await samples()).get('http_server_active_requests{http_request_method="GET",http_route="/fleet/v1/jobs/:id"}')).toBe(1);
  metrics.httpFinished({ ...exchange, status: 503, seconds: 0.25 });
  metrics.httpFinished({ method: 'BREW', route: null, status: 404, seconds: 0 });
  const found = await samples();
  expect(found.get('http_server_active_requests{http_request_method="_OTHER"}')).toBe(0);
  const labels = 'error_type="503",http_request_method="GET",http_response_status_code="503",http_route="/fleet/v1/jobs/:id"';
  expect(found.get(`http_server_request_duration_seconds_sum{${labels}}`)).toBe(0.25);
});

test('docs/reference/metrics.md lists every metric with its type and labels, and no other', async () => {
  const documented = [...readFileSync('docs/reference/metrics.md', 'utf8').matchAll(/^\| `([a-z_]+)` \| (\w+) \| (.*?) \|/gm)].map(
    ([, name = '', type = '', labels = '']) => `${name} ${type} ${[...labels.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]).join(' ')}`,
  );
  const { registry } = createInstruments();
  const made = registry.getMetricsAsArray().filter((metric) => /^(comfleet|http)_/.test(metric.name));
  const described = made.map((metric) => {
    const { name, labelNames, constructor } = metric as unknown as { name: string; labelNames: string[]; constructor: { name: string } };
    return `${name} ${constructor.name.toLowerCase()} ${labelNames.filter((label) => label !== 'le').join(' ')}`;
  });
  expect(documented.sort()).toEqual(described.sort());
  const text = await setUp().metrics.text();
  for (const line of documented) expect(text).toContain(`# TYPE ${line.split(' ').slice(0, 2).join(' ')}`);
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('nodejs_eventloop_lag_seconds');
});

test('figures of the last replays, those that there are', async () => {
  const of = { deployment: 'collage', environment: 'production' };
  let shadows: ReturnType<MetricsSources['shadows']> = [];
  const { samples } = setUp({ shadows: () => shadows });
  const names = /^comfleet_(slo_attainment|shadow_)/;
  const shown = async () => [...(await samples())].filter(([name]) => names.test(name));
  expect(await shown()).toEqual([]);
  const runs = [
    { policy: 'now', usdPerHour: 3.1 },
    { policy: 'slo', usdPerHour: 1.2 },
  ];
  shadows = [{ ...of, attainment: 0.97, runs, boundRatio: 1.5 }];
  const labels = 'deployment="collage",environment="production"';
  expect(await shown()).toEqual([
    [`comfleet_slo_attainment{${labels}}`, 0.97],
    [`comfleet_shadow_usd_per_hour{${labels},policy="now"}`, 3.1],
    [`comfleet_shadow_usd_per_hour{${labels},policy="slo"}`, 1.2],
    [`comfleet_shadow_bound_ratio{${labels}}`, 1.5],
  ]);
  shadows = [{ ...of, attainment: null, runs: [{ policy: 'now', usdPerHour: null }], boundRatio: null }];
  expect(await shown()).toEqual([]);
});
