import type { Deployment } from '../deployments/deployment.ts';
import type { FleetBusEvent } from '../bus/events.ts';
import type { ErrorCode } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';
import { isAlive } from '../fleet/container.ts';
import type { QueueView } from '../fleet/fleet.ts';
import type { LimitedDecision } from '../fleet/scaling/limits.ts';
import type { Decision } from '../fleet/scaling/policy.ts';
import { isFinal, type ToldJob, type JobEvent } from '../jobs/job.ts';
import type { DecisionRecord } from '../store/store.ts';
import { GpuTime, type Accountable } from './gpu-time.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import { createDeploymentLabels, gpuLabel, methodLabel, reasonLabel, type DeploymentLabels } from './labels.ts';

/** What is read at the moment of a scrape. */
export interface MetricsSources {
  readonly version: string;
  readonly clock: Clock;
  readonly queues: () => readonly QueueView[];
  readonly deployments: () => readonly Deployment[];
  /** The price list. */
  readonly gpus: Readonly<Record<string, { readonly usdPerHour: number }>>;
  /** The last replays of what came to deployments. */
  readonly shadows: () => readonly ShadowFigures[];
  /** GPUs that the workspace may hold; null: no limit. */
  readonly gpuLimit: number | null;
}

export interface ShadowFigures extends DeploymentLabels {
  /** Measured over the window. */
  readonly attainment: number | null;
  /** Simulated over the window, by settings. */
  readonly runs: readonly { readonly policy: string; readonly usdPerHour: number | null }[];
  readonly boundRatio: number | null;
}

export interface HttpExchange {
  readonly method: string;
  /** The route's pattern, never the path; null when none matched. */
  readonly route: string | null;
}

/** Prometheus metrics, fed by events; gauges are read when someone scrapes. */
export interface Metrics {
  readonly contentType: string;
  /** The exposition of this moment. */
  text(): Promise<string>;
  httpStarted(exchange: HttpExchange): void;
  httpFinished(exchange: HttpExchange & { readonly status: number; readonly seconds: number }): void;
  /** A request for a job was refused; jobs that were accepted come as events. */
  jobRejected(of: DeploymentLabels & { readonly reason: ErrorCode }): void;
  /** An event of the bus's topic `fleet`: jobs, containers and decisions are counted from there. */
  observe(event: FleetBusEvent): void;
}

/** Makes the metrics of one gateway, in a registry of their own. */
export function createMetrics(sources: MetricsSources): Metrics {
  const instruments = createInstruments();
  const labelsOf = createDeploymentLabels();
  const { registry } = instruments;
  const gpuLabelsOf = (container: Accountable) => ({ ...labelsOf(container), gpu: gpuLabel(container.gpu) });
  const gpuTime = new GpuTime(sources.clock.now(), (container, use, seconds) => {
    const labels = { ...gpuLabelsOf(container), state: use };
    instruments.gpuSeconds.inc(labels, seconds * container.share);
    if (container.usdPerHour !== null) instruments.costDollars.inc(labels, (seconds * container.share * container.usdPerHour) / 3600);
  });
  instruments.buildInfo.set({ version: sources.version, node_version: process.version }, 1);

  return {
    contentType: registry.contentType,
    text() {
      readQueues(instruments, labelsOf, sources);
      readLimits(instruments, labelsOf, sources);
      readShadows(instruments, labelsOf, sources);
      gpuTime.advanceTo(sources.clock.now());
      readContainers(instruments, gpuLabelsOf, gpuTime);
      return registry.metrics();
    },
    ...httpMethods(instruments),
    jobRejected({ reason, ...of }) {
      instruments.jobsRejected.inc({ ...labelsOf(of), reason });
    },
    observe(event) {
      if (event.kind === 'job') countJob(instruments, labelsOf(event.job), event.job, event.change);
      else if (event.kind === 'decision') countDecision(instruments, labelsOf(event.decision), event.decision);
      else if (event.kind === 'container') {
        const before = gpuTime.changed(event.container, sources.clock.now());
        countContainer(instruments, gpuLabelsOf(event.container), event.container, before);
      }
    },
  };
}

/** What the decision log keeps in `data` of a scaling step, as far as it is counted. */
interface DecisionData {
  readonly decision: Decision;
  readonly limited: LimitedDecision;
}

type LabelsOf = (of: DeploymentLabels) => DeploymentLabels;

function httpMethods(instruments: Instruments): Pick<Metrics, 'httpStarted' | 'httpFinished'> {
  const labels = ({ method, route }: HttpExchange) => ({
    http_request_method: methodLabel(method),
    ...(route === null ? {} : { http_route: route }),
  });
  return {
    httpStarted(exchange) {
      instruments.httpActive.inc(labels(exchange));
    },
    httpFinished(exchange) {
      instruments.httpActive.dec(labels(exchange));
      const status = String(exchange.status);
      const failed = exchange.status >= 500 ? { error_type: status } : {};
      instruments.httpDuration.observe({ ...labels(exchange), http_response_status_code: status, ...failed }, exchange.seconds);
    },
  };
}

function countJob(instruments: Instruments, of: DeploymentLabels, job: ToldJob, change: JobEvent['type']): void {
  if (change === 'queued') instruments.jobsSubmitted.inc({ ...of, source: job.source });
  // A lost container is the only thing that puts a job back.
  else if (change === 'requeued') instruments.jobRetries.inc({ ...of, reason: 'container_lost' });
  else if (isFinal(job.state)) finishJob(instruments, of, job);
}

function countDecision({ decisions }: Instruments, of: DeploymentLabels, { data }: DecisionRecord): void {
  const { decision, limited } = data as unknown as DecisionData;
  const direction = limited.start > 0 ? 'up' : limited.stop + limited.drain > 0 ? 'down' : 'hold';
  decisions.inc({ ...of, direction, reason: reasonLabel(decision.reason) });
}

function finishJob(instruments: Instruments, of: DeploymentLabels, job: ToldJob): void {
  const coldSeconds = (job.timing?.cold ?? 0) / 1000;
  const cold = String(coldSeconds > 0);
  const outcome = job.state;
  const gpu = gpuLabel(job.usage?.gpu ?? null);
  instruments.jobsFinished.inc({ ...of, outcome, cold });
  if (job.finishedAt !== null) instruments.jobTotal.observe({ ...of, outcome, cold }, (job.finishedAt - job.createdAt) / 1000);
  if (job.startedAt !== null) instruments.jobQueue.observe({ ...of, cold }, (job.startedAt - job.createdAt) / 1000);
  if (job.timing && job.startedAt !== null) instruments.jobRun.observe({ ...of, gpu, outcome }, job.timing.run / 1000);
  if (coldSeconds > 0) {
    instruments.jobColdWait.observe({ ...of, gpu }, coldSeconds);
    instruments.coldStarts.inc({ ...of, gpu });
  }
  for (const output of job.outputs) {
    instruments.outputs.inc({ ...of, media: output.kind });
    instruments.outputBytes.inc({ ...of, media: output.kind }, output.bytes);
  }
}

function countContainer(
  instruments: Instruments,
  of: DeploymentLabels & { gpu: string },
  container: Accountable,
  before: Accountable | null,
): void {
  const { containerStarts, containerStops, containerStart } = instruments;
  if (before === null) containerStarts.inc({ ...of, reason: reasonLabel(container.startReason) });
  if (!isAlive(container.state)) {
    containerStops.inc({ ...of, reason: container.failure?.code ?? reasonLabel(container.stopReason ?? '') });
  }
  if (before === null || container.readyAt === null) return;
  const isReadyNow = before.readyAt === null;
  if (isReadyNow) containerStart.observe({ ...of, phase: 'total' }, (container.readyAt - container.startedAt) / 1000);
  // The first model comes after ready.
  for (const { phase, from, to } of container.phases.slice(isReadyNow ? 0 : before.phases.length)) {
    if (to !== null) containerStart.observe({ ...of, phase }, (to - from) / 1000);
  }
}

function readQueues(instruments: Instruments, labelsOf: LabelsOf, { queues, clock }: MetricsSources): void {
  const { jobsQueued, jobsRunning, oldestQueued, desired, target, boundActive } = instruments;
  for (const gauge of [jobsQueued, jobsRunning, oldestQueued, desired, target, boundActive]) gauge.reset();
  const now = clock.now();
  const ages = new Map<DeploymentLabels, number>();
  for (const queue of queues()) {
    const of = labelsOf(queue);
    jobsQueued.inc({ ...of }, queue.queued);
    jobsRunning.inc({ ...of }, queue.running);
    desired.inc({ ...of }, queue.desired);
    target.inc({ ...of }, queue.target);
    if (queue.heldBy !== null) boundActive.set({ ...of, bound: reasonLabel(queue.heldBy) }, 1);
    const age = queue.oldestQueuedAt === null ? 0 : Math.max(0, now - queue.oldestQueuedAt) / 1000;
    ages.set(of, Math.max(ages.get(of) ?? 0, age));
  }
  for (const [of, age] of ages) oldestQueued.set({ ...of }, age);
}

function readLimits(instruments: Instruments, labelsOf: LabelsOf, { deployments, gpus, gpuLimit }: MetricsSources): void {
  const { limitContainers, limitGpus, inputsMax, gpuPrice } = instruments;
  for (const gauge of [limitContainers, inputsMax]) gauge.reset();
  for (const { name, environment, scaling } of deployments()) {
    const of = labelsOf({ deployment: name, environment });
    inputsMax.set({ ...of }, scaling.maxInputs);
    limitContainers.inc({ ...of, limit: 'min' }, scaling.minContainers);
    limitContainers.inc({ ...of, limit: 'buffer' }, scaling.bufferContainers);
    if (scaling.maxContainers !== null) limitContainers.inc({ ...of, limit: 'max' }, scaling.maxContainers);
  }
  if (gpuLimit !== null) limitGpus.set({ scope: 'workspace' }, gpuLimit);
  for (const [gpu, { usdPerHour }] of Object.entries(gpus)) gpuPrice.set({ gpu }, usdPerHour);
}

function readShadows({ attainment, shadowUsd, boundRatio }: Instruments, labelsOf: LabelsOf, { shadows }: MetricsSources): void {
  for (const gauge of [attainment, shadowUsd, boundRatio]) gauge.reset();
  for (const shadow of shadows()) {
    const of = labelsOf(shadow);
    if (shadow.attainment !== null) attainment.set({ ...of }, shadow.attainment);
    if (shadow.boundRatio !== null) boundRatio.set({ ...of }, shadow.boundRatio);
    for (const { policy, usdPerHour } of shadow.runs) if (usdPerHour !== null) shadowUsd.set({ ...of, policy }, usdPerHour);
  }
}

function readContainers(
  { containers, costRate }: Instruments,
  labelsOf: (container: Accountable) => DeploymentLabels & { gpu: string },
  gpuTime: GpuTime,
): void {
  containers.reset();
  costRate.reset();
  for (const container of gpuTime.living()) {
    const of = labelsOf(container);
    containers.inc({ ...of, state: container.state });
    if (container.usdPerHour !== null) costRate.inc({ ...of }, container.share * container.usdPerHour);
  }
}
