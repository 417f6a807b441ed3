import type { FleetBusEvent } from '../../src/bus/events.ts';
import type { Deployment } from '../../src/deployments/deployment.ts';
import type { Deployments } from '../../src/deployments/deployments.ts';
import type { Revision } from '../../src/deployments/deployment.ts';
import { advance, type Container, type ContainerEvent, type Slot } from '../../src/fleet/container.ts';
import type { CostView, Fleet, QueueView } from '../../src/fleet/fleet.ts';
import { defaultScaling, type ScalingSettings } from '../../src/fleet/scaling/settings.ts';
import type { Job, JobError, FinalState } from '../../src/jobs/job.ts';
import { createOverview } from '../../src/telemetry/overview/overview.ts';
import type { OverviewDocument } from '../../src/telemetry/overview/document.ts';

/** 2026-03-02 14:22 UTC. */
export const worldStart = Date.UTC(2026, 2, 2, 14, 22);

export interface WorldOptions {
  readonly slots: readonly Slot[];
  readonly usdPerHour: number | null;
  readonly comfyuiPage?: string;
  readonly deployments: Readonly<Record<string, Partial<ScalingSettings>>>;
}

/** A fleet on paper: its clock is set by hand, and what is done to it is told to an overview. */
export class OverviewWorld {
  now = worldStart;
  readonly overview;
  readonly containers = new Map<string, Container>();
  readonly #queued = new Map<string, Job>();
  readonly #deployments: Deployment[];
  readonly #options: WorldOptions;
  #ids = 0;
  runtimeReady = true;
  readonly heldBy = new Map<string, string>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#deployments = Object.entries(options.deployments).map(([name, scaling], index) => deploymentNamed(name, scaling, index === 0));
    this.overview = createOverview({
      storeTrouble: () => null,
      clock: { now: () => this.now, at: () => ({ cancel: () => undefined }) },
      slots: options.slots,
      priceOf: (gpu) => (gpu === null ? null : options.usdPerHour),
      profile: 'a10g-collage',
      comfyuiPage: options.comfyuiPage ?? null,
    });
  }

  after(seconds: number): this {
    this.now += seconds * 1000;
    return this;
  }

  start(deployment: string, slot: number, startReason = '1 job waits'): string {
    const place = this.#options.slots[slot];
    if (!place) throw new RangeError(`no slot ${slot}`);
    const id = this.#id();
    this.containers.set(id, {
      ...place,
      id,
      workspace: 'local',
      environment: 'production',
      deployment,
      revision: 'r1',
      runtime: 'emulated',
      epoch: 1,
      state: 'starting',
      endpoint: null,
      startedAt: this.now,
      readyAt: null,
      stoppedAt: null,
      startReason,
      stopReason: null,
      failure: null,
      phases: [],
      jobsDone: 0,
      busySeconds: 0,
      usdPerHour: this.#options.usdPerHour,
      inFlight: 0,
      idleSince: null,
      busySince: null,
      modelKey: '',
    });
    this.#tell(id);
    return id;
  }

  container(id: string, event: ContainerEvent): void {
    const container = this.containers.get(id);
    if (!container) throw new RangeError(`no container ${id}`);
    const changed = advance(container, event);
    if (changed.state === 'stopped' || changed.state === 'failed') this.containers.delete(id);
    else this.containers.set(id, changed);
    this.overview.observe({ kind: 'container', container: changed, inFlight: changed.inFlight });
  }

  ready(id: string): void {
    this.container(id, { type: 'ready', at: this.now, endpoint: { url: 'http://127.0.0.1:8400' } });
  }

  submit(deployment: string): Job {
    const job = jobOf(this.#id(), deployment, this.now);
    this.#queued.set(job.id, job);
    this.overview.observe({ kind: 'job', job, change: 'queued' });
    return job;
  }

  run(job: Job, container: string): Job {
    this.#queued.delete(job.id);
    this.container(container, { type: 'job_started', at: this.now, modelKey: 'm' });
    const started: Job = { ...job, state: 'running', startedAt: this.now, attempts: job.attempts + 1, container };
    this.overview.observe({ kind: 'job', job: started, change: 'started' });
    return started;
  }

  /** `coldMs` of its wait were a container's start. */
  finish(
    job: Job,
    { state = 'succeeded', coldMs = 0, error = null }: { state?: FinalState; coldMs?: number; error?: JobError | null } = {},
  ): Job {
    if (job.container !== null && this.containers.has(job.container)) {
      this.container(job.container, { type: 'job_ended', at: this.now, done: state === 'succeeded' });
    }
    const started = job.startedAt ?? this.now;
    const timing = { queue: started - job.createdAt - coldMs, cold: coldMs, run: this.now - started, store: 0 };
    const finished: Job = { ...job, state, finishedAt: this.now, timing, error };
    this.#queued.delete(job.id);
    this.overview.observe({ kind: 'job', job: finished, change: state });
    return finished;
  }

  scaled(deployment: string, start: number, stop: number, reason: string): void {
    this.overview.observe({
      kind: 'decision',
      decision: {
        seq: 1,
        at: this.now,
        deployment,
        environment: 'production',
        kind: 'scale',
        reason,
        data: { limited: { start, stop, drain: 0 } },
        hash: '',
      },
    });
  }

  observe(event: FleetBusEvent): void {
    this.overview.observe(event);
  }

  document(): OverviewDocument {
    return this.overview.snapshot(this.fleet(), this.deployments());
  }

  fleet(): Fleet {
    return {
      containers: () => [...this.containers.values()],
      queues: () => this.#deployments.map((deployment) => this.#queueView(deployment.name)),
      slots: () => [],
      waitingFor: () => null,
      runtime: { name: 'emulated', capacity: this.#options.slots.length, ready: this.runtimeReady, note: null },
      cost: () => this.#deployments.flatMap((deployment) => this.#costView(deployment.name)),
      stopContainer: async () => undefined,
    };
  }

  deployments(): Deployments {
    const refuse = (): never => {
      throw new Error('not part of this world');
    };
    return {
      list: () => this.#deployments,
      get: refuse,
      revision: (deployment) => revisionOf(deployment),
      deploy: refuse,
      scale: refuse,
      definitions: () => null,
      learnDefinitions: refuse,
      catalogue: () => null,
      learnCatalogue: refuse,
      subscribe: refuse,
    };
  }

  #queueView(deployment: string): QueueView {
    const waiting = [...this.#queued.values()].filter((job) => job.deployment === deployment);
    const running = [...this.containers.values()]
      .filter((one) => one.deployment === deployment)
      .reduce((sum, one) => sum + one.inFlight, 0);
    const oldestQueuedAt = waiting.length === 0 ? null : Math.min(...waiting.map((job) => job.createdAt));
    const heldBy = this.heldBy.get(deployment) ?? null;
    return {
      deployment,
      environment: 'production',
      queued: waiting.length,
      running,
      oldestQueuedAt,
      desired: 0,
      target: 0,
      heldBy,
      note: null,
    };
  }

  #costView(deployment: string): CostView[] {
    const mine = [...this.containers.values()].filter((one) => one.deployment === deployment);
    if (mine.length === 0) return [];
    const busy = mine.filter((one) => one.inFlight > 0).length;
    const starting = mine.filter((one) => one.state === 'starting').length;
    const idle = mine.length - busy - starting;
    const price = this.#options.usdPerHour === null ? null : this.#options.usdPerHour / 60;
    const usdPerMinute = price === null ? null : { busy: busy * price, starting: starting * price, idle: idle * price };
    return [{ deployment, gpu: mine[0]?.gpu ?? null, busy, starting, idle, usdPerMinute }];
  }

  #tell(id: string): void {
    const container = this.containers.get(id);
    if (container) this.overview.observe({ kind: 'container', container, inFlight: container.inFlight });
  }

  #id(): string {
    return `0195a000-0000-7000-8000-${(0xa3f10000 + ++this.#ids * 0x9e37).toString(16).padStart(12, '0')}`;
  }
}

function deploymentNamed(name: string, scaling: Partial<ScalingSettings>, isDefault: boolean): Deployment {
  return {
    name,
    environment: 'production',
    workspace: 'local',
    default: isDefault,
    revision: 'r1',
    scaling: { ...defaultScaling, ...scaling },
    executionTimeoutMs: 60_000,
    problems: [],
    createdAt: worldStart,
    updatedAt: worldStart,
  };
}

function revisionOf(deployment: Deployment): Revision {
  const inputs = [{ name: 'prompt', type: 'string' as const, targets: [], required: true }];
  const workflow = { version: 'v1', graph: {}, inputs, outputs: [], files: [] };
  return {
    id: 'r1',
    deployment: deployment.name,
    environment: 'production',
    workspace: 'local',
    workflow,
    release: 'local',
    createdAt: worldStart,
  };
}

function jobOf(id: string, deployment: string, at: number): Job {
  return {
    id,
    workspace: 'local',
    environment: 'production',
    deployment,
    revision: 'r1',
    source: 'simple',
    key: null,
    priority: 0,
    number: 0,
    prompt: null,
    inputs: {},
    graph: {},
    files: [],
    outputNodes: [],
    modelKey: '',
    deadlineAt: null,
    executionTimeoutMs: 60_000,
    webhook: null,
    state: 'queued',
    cancelRequested: false,
    createdAt: at,
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
}
