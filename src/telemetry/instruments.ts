import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds, dense where latency targets of image jobs and their cold starts lie. */
const jobBuckets = [0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120, 180, 300, 600, 1200];
const httpBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

const perDeployment = ['deployment', 'environment'] as const;
const perGpu = [...perDeployment, 'gpu'] as const;
const http = ['http_request_method', 'http_route'] as const;

/** Every metric of the gateway with its help text, labels and buckets; `docs/reference/metrics.md` lists the same (a test compares). */
export function createInstruments() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets = jobBuckets) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  return {
    registry,
    ...jobInstruments(counter, gauge, histogram),
    ...containerInstruments(counter, gauge, histogram),
    ...shadowInstruments(gauge),
    httpDuration: histogram(
      'http_server_request_duration_seconds',
      'Duration of HTTP requests, by route',
      [...http, 'http_response_status_code', 'error_type'],
      httpBuckets,
    ),
    httpActive: gauge('http_server_active_requests', 'HTTP requests in progress, by route', http),
    buildInfo: gauge('comfleet_build_info', 'Always 1; the labels say what runs', ['version', 'node_version']),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;

type MakeCounter = <L extends string>(name: string, help: string, labels: readonly L[]) => Counter<L>;
type MakeGauge = <L extends string>(name: string, help: string, labels: readonly L[]) => Gauge<L>;
type MakeHistogram = <L extends string>(name: string, help: string, labels: readonly L[], buckets?: number[]) => Histogram<L>;

function jobInstruments(counter: MakeCounter, gauge: MakeGauge, histogram: MakeHistogram) {
  return {
    jobsSubmitted: counter('comfleet_jobs_submitted_total', 'Jobs accepted, by dialect', [...perDeployment, 'source']),
    jobsRejected: counter('comfleet_jobs_rejected_total', 'Requests for a job that were refused, by code of the error', [
      ...perDeployment,
      'reason',
    ]),
    jobsFinished: counter('comfleet_jobs_finished_total', 'Jobs that ended, by final state', [...perDeployment, 'outcome', 'cold']),
    jobRetries: counter('comfleet_job_retries_total', 'Jobs put back into the queue, by code of the error', [...perDeployment, 'reason']),
    jobsQueued: gauge('comfleet_jobs_queued', 'Jobs that wait', perDeployment),
    jobsRunning: gauge('comfleet_jobs_running', 'Jobs on containers', perDeployment),
    oldestQueued: gauge('comfleet_job_oldest_queued_seconds', 'Age of the oldest job that waits; 0 when none does', perDeployment),
    jobQueue: histogram('comfleet_job_queue_seconds', 'Accepted to started', [...perDeployment, 'cold']),
    jobRun: histogram('comfleet_job_run_seconds', 'Time on containers, all attempts', [...perGpu, 'outcome']),
    jobTotal: histogram('comfleet_job_total_seconds', 'Accepted to result stored', [...perDeployment, 'outcome', 'cold']),
    jobColdWait: histogram(
      'comfleet_job_cold_wait_seconds',
      'The part of the wait that a start caused, of jobs that waited for one',
      perGpu,
    ),
    coldStarts: counter('comfleet_cold_starts_total', 'Jobs that waited for a container to start', perGpu),
    outputBytes: counter('comfleet_output_bytes_total', 'Bytes of outputs', [...perDeployment, 'media']),
    outputs: counter('comfleet_outputs_total', 'Outputs', [...perDeployment, 'media']),
  };
}

function shadowInstruments(gauge: MakeGauge) {
  return {
    attainment: gauge(
      'comfleet_slo_attainment',
      'Share of the jobs of the shadow window that was answered within the target',
      perDeployment,
    ),
    shadowUsd: gauge('comfleet_shadow_usd_per_hour', 'Simulated: what the shadow window would have cost, by settings', [
      ...perDeployment,
      'policy',
    ]),
    boundRatio: gauge('comfleet_shadow_bound_ratio', 'Simulated: cost with the settings of now by the lower bound', perDeployment),
  };
}

function containerInstruments(counter: MakeCounter, gauge: MakeGauge, histogram: MakeHistogram) {
  return {
    containers: gauge('comfleet_containers', 'Living containers, by state', [...perGpu, 'state']),
    containerStarts: counter('comfleet_container_starts_total', 'Containers started, by reason', [...perGpu, 'reason']),
    containerStops: counter('comfleet_container_stops_total', 'Containers that ended, by reason', [...perGpu, 'reason']),
    containerStart: histogram('comfleet_container_start_seconds', 'Cold starts, by phase; `total` is from the decision to ready', [
      ...perGpu,
      'phase',
    ]),
    inputsMax: gauge('comfleet_container_inputs_max', 'Prompts that one container may hold at once: max_inputs', perDeployment),
    desired: gauge('comfleet_autoscaler_desired_containers', 'Containers that the policy wishes for, before limits', perDeployment),
    target: gauge('comfleet_autoscaler_target_containers', 'Containers that it gets within all limits', perDeployment),
    boundActive: gauge('comfleet_autoscaler_bound_active', '1 while this limit holds the deployment back', [...perDeployment, 'bound']),
    decisions: counter('comfleet_autoscaler_decisions_total', 'Scaling decisions, by direction and reason', [
      ...perDeployment,
      'direction',
      'reason',
    ]),
    gpuSeconds: counter('comfleet_gpu_seconds_total', 'GPU time held by containers, by use: seconds x share of the GPU', [
      ...perGpu,
      'state',
    ]),
    costDollars: counter('comfleet_cost_dollars_total', 'GPU seconds x price per hour / 3600; nothing where no price is set', [
      ...perGpu,
      'state',
    ]),
    costRate: gauge('comfleet_cost_rate_dollars_per_hour', 'Price of the containers that live now; nothing where no price is set', perGpu),
    gpuPrice: gauge('comfleet_gpu_price_dollars_per_hour', 'The price list', ['gpu']),
    limitContainers: gauge('comfleet_limit_containers', 'Limits on containers in force', [...perDeployment, 'limit']),
    limitGpus: gauge('comfleet_limit_gpus', 'GPUs that the workspace may hold; nothing without a limit', ['scope']),
  };
}
