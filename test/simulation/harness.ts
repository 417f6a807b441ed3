import { pino } from 'pino';
import { createMemoryAssets } from '../../src/assets/memory.ts';
import { fleetTopic } from '../../src/bus/events.ts';
import { createBus } from '../../src/bus/memory.ts';
import type { Deployment } from '../../src/deployments/deployment.ts';
import type { Deployments } from '../../src/deployments/deployments.ts';
import { admit } from '../../src/fleet/admission.ts';
import { Controller } from '../../src/fleet/controller.ts';
import { recover } from '../../src/fleet/recovery.ts';
import { defaultScaling, type ScalingSettings } from '../../src/fleet/scaling/settings.ts';
import { Slots } from '../../src/fleet/slots.ts';
import { Attempts } from '../../src/jobs/attempts.ts';
import type { Job, JobRequest } from '../../src/jobs/job.ts';
import { createJobs, type JobsService } from '../../src/jobs/service.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';
import { VirtualFleet, type VirtualSettings } from '../support/virtual-fleet.ts';

export interface SimulationSettings extends Partial<VirtualSettings> {
  readonly seed?: number;
  readonly gpuLimit?: number | null;
  readonly deployments?: Record<string, Partial<ScalingSettings>>;
}

/** The whole control plane in one process on virtual time: the live controller, dispatcher, policies and jobs; memory store; virtual containers. */
export class Simulation {
  readonly clock = new VirtualClock();
  readonly random: ReturnType<typeof seededRandom>;
  readonly store: Store = createMemoryStore();
  readonly fleet: VirtualFleet;
  readonly ended: Job[] = [];
  controller!: Controller;
  jobs!: JobsService;
  readonly #settings: SimulationSettings;
  readonly #deployments: FakeDeployments;
  #lives = 0;
  #life = { over: false };

  constructor(settings: SimulationSettings = {}) {
    this.#settings = settings;
    this.random = seededRandom(settings.seed ?? 1, this.clock);
    this.fleet = new VirtualFleet(this.clock, { slots: 100, startMs: 15_500, serviceMs: 3_500, ...settings });
    this.#deployments = new FakeDeployments(settings.deployments ?? { collage: {} });
  }

  /** Starts a gateway life over what store and containers hold. */
  async boot(): Promise<void> {
    const { clock, random } = this;
    const life = { over: false };
    this.#life = life;
    const store = mortal(this.store, life);
    const fleet = mortal(this.fleet, life);
    const bus = createBus(clock, { kept: [fleetTopic], ring: 100 });
    const assets = createMemoryAssets(this.clock);
    // The first hash compiles WebAssembly in real time, which virtual time cannot wait for.
    await assets.put(Buffer.from('warm'));
    const log = pino({ level: 'silent' });
    const attempts = new Attempts({ store, assets, bus, clock, runner: fleet, log });
    const jobs: JobsService = createJobs({
      store,
      clock,
      random,
      admit: (request) => admit(controller.pools, request, clock.now()),
      accept: (job) => controller.accept(job),
      canceled: (job) => controller.canceled(job),
    });
    const controller: Controller = new Controller(
      {
        store,
        bus,
        clock,
        random,
        runtime: fleet,
        runner: fleet,
        attempts,
        deployments: this.#deployments,
        definitions: () => Promise.resolve(null),
        log,
        gpuLimit: this.#settings.gpuLimit ?? null,
        priceOf: () => 1.1,
        prior: {},
        onEnded: (job) => {
          this.ended.push(job);
          jobs.ended(job);
        },
      },
      new Slots(await fleet.slots()),
    );
    this.controller = controller;
    this.jobs = jobs;
    await controller.takeLease(`life ${++this.#lives}`);
    await recover({ store, runtime: fleet, attempts, jobs, clock }, controller);
    controller.start();
    // Past the first decision, so that the next event is decided upon at once.
    await clock.runFor(200);
  }

  /** kill -9: this life's memory is gone, and whatever it still has under way comes to nothing. */
  kill(): void {
    this.#life.over = true;
    this.fleet.forgetListeners();
  }

  scale(name: string, change: Partial<ScalingSettings>): void {
    this.#deployments.change(name, change);
  }

  async submit(request: Partial<JobRequest> = {}): Promise<Job> {
    const { job } = await this.jobs.submit({
      workspace: 'local',
      environment: 'production',
      deployment: 'collage',
      revision: 'r1',
      source: 'simple',
      key: null,
      priority: 0,
      number: 0,
      prompt: null,
      inputs: {},
      graph: {},
      files: [],
      outputNodes: ['9'],
      modelKey: '',
      deadlineAt: null,
      executionTimeoutMs: 600_000,
      idempotency: null,
      webhook: null,
      ...request,
    });
    return job;
  }

  /** Containers alive now, by state. */
  states(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const container of this.controller.containers.all()) counts[container.state] = (counts[container.state] ?? 0) + 1;
    return counts;
  }

  /** What all containers together have cost so far. */
  async spentUsd(): Promise<number> {
    const now = this.clock.now();
    const stored = await this.store.containers({ limit: 100_000 });
    return stored.reduce((sum, { startedAt, stoppedAt, usdPerHour, share }) => {
      return sum + (((stoppedAt ?? now) - startedAt) * (usdPerHour ?? 0) * share) / 3_600_000;
    }, 0);
  }
}

/** A port in the hands of a process that can die: after that its calls never come back and change nothing. */
function mortal<T extends object>(port: T, life: { over: boolean }): T {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => (life.over ? new Promise(() => {}) : Reflect.apply(member, target, args));
    },
  });
}

class FakeDeployments implements Pick<Deployments, 'list' | 'subscribe' | 'learnDefinitions' | 'learnCatalogue'> {
  readonly #deployments = new Map<string, Deployment>();
  readonly #listeners = new Set<(deployment: Deployment) => void>();

  constructor(settings: Record<string, Partial<ScalingSettings>>) {
    for (const [name, scaling] of Object.entries(settings)) {
      this.#deployments.set(name, {
        name,
        environment: 'production',
        workspace: 'local',
        default: true,
        revision: 'r1',
        scaling: { ...defaultScaling, ...scaling },
        executionTimeoutMs: 600_000,
        problems: [],
        createdAt: 0,
        updatedAt: 0,
      });
    }
  }

  list(): Deployment[] {
    return [...this.#deployments.values()];
  }

  subscribe(listener: (deployment: Deployment) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  learnCatalogue(): Promise<void> {
    return Promise.resolve();
  }

  learnDefinitions(): Promise<void> {
    return Promise.resolve();
  }

  change(name: string, change: Partial<ScalingSettings>): void {
    const before = this.#deployments.get(name)!;
    const after = { ...before, scaling: { ...before.scaling, ...change } };
    this.#deployments.set(name, after);
    for (const listener of this.#listeners) listener(after);
  }
}
