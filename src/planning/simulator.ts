import type { Deployment } from '../deployments/deployment.ts';
import type { Container } from '../fleet/container.ts';
import { Pool } from '../fleet/pool.ts';
import { Scaler } from '../fleet/scaler.ts';
import type { ScalingSettings } from '../fleet/scaling/settings.ts';
import { SimulatedContainers, type GpuSeconds } from './simulated-containers.ts';
import { kinds, Timeline } from './timeline.ts';
import type { Trace, TraceJob } from './trace.ts';

export interface SimulationInput {
  readonly trace: Trace;
  readonly scaling: ScalingSettings;
  /** Milliseconds that a start takes. */
  readonly startMs: number;
  /** End of the accounts; null: the last arrival. Jobs that are unfinished then are waited for, and the accounts with them. */
  readonly horizonMs: number | null;
  /** How often a policy is asked at most. The live controller: 100 ms. */
  readonly periodMs: number;
  /** GPUs that there are. */
  readonly slots: number;
}

export interface SimulationOutcome {
  /** Milliseconds from arrival to completion, in the order of the trace. */
  readonly responsesMs: Float64Array;
  readonly gpuSeconds: GpuSeconds;
  readonly starts: number;
  readonly peakContainers: number;
  readonly endMs: number;
  readonly events: number;
}

/** Runs the fleet's own scaler, policies, dispatcher and container states over a trace on virtual time. The same input gives the same outcome. */
export function simulate(input: SimulationInput): SimulationOutcome {
  return new Simulation(input).run();
}

class Simulation {
  readonly #input: SimulationInput;
  readonly #timeline = new Timeline();
  readonly #pool: Pool;
  readonly #containers: SimulatedContainers;
  readonly #scaler: Scaler;
  readonly #responses: Float64Array;
  #arrived = 0;
  #finished = 0;

  constructor(input: SimulationInput) {
    this.#input = input;
    const timeline = this.#timeline;
    this.#pool = new Pool(deploymentOf(input.scaling));
    this.#responses = new Float64Array(input.trace.jobs.length);
    this.#containers = new SimulatedContainers({
      timeline,
      slots: input.slots,
      startMs: () => input.startMs,
      onReady: (_, container) => this.#ready(container),
    });
    this.#scaler = new Scaler({
      clock: timeline,
      containers: this.#containers,
      slots: this.#containers.slots,
      pools: () => [this.#pool],
      gpuLimit: null,
      periodMs: input.periodMs,
      onStep: () => undefined,
    });
  }

  run(): SimulationOutcome {
    const { jobs } = this.#input.trace;
    const timeline = this.#timeline;
    const horizonMs = this.#input.horizonMs ?? jobs.at(-1)?.arrivalMs ?? 0;
    this.#scaler.wake(this.#pool);
    // The fleet has been there before the trace begins: its first job is decided upon at once.
    this.#pool.lastDecisionAt = -Infinity;
    this.#awaitArrival();
    for (;;) {
      const next = timeline.peek();
      if (!next || (this.#finished === jobs.length && next.at > horizonMs)) break;
      timeline.step();
    }
    timeline.skipTo(horizonMs);
    const { starts, peak } = this.#containers;
    return {
      responsesMs: this.#responses,
      gpuSeconds: this.#containers.used(),
      starts,
      peakContainers: peak,
      endMs: timeline.now(),
      events: timeline.events,
    };
  }

  /** One arrival at a time is on the timeline, so that a long trace does not make every event dearer. */
  #awaitArrival(): void {
    const job = this.#input.trace.jobs[this.#arrived];
    if (job) this.#timeline.set(job.arrivalMs, kinds.arrival, () => this.#arrive(job));
  }

  #arrive(job: TraceJob): void {
    const number = this.#arrived++;
    const id = `j${String(number).padStart(9, '0')}`;
    this.#pool.dispatcher.queue.add({ id, priority: 0, number, key: job.user, modelKey: job.model, createdAt: job.arrivalMs });
    this.#awaitArrival();
    this.#changed();
  }

  #ready({ id, inFlight, modelKey }: Container): void {
    this.#pool.startSucceeded();
    const { maxInputs } = this.#pool.deployment.scaling;
    this.#pool.dispatcher.addContainer({ id, maxInputs, inFlight, modelKey, at: this.#timeline.now() });
    this.#changed();
  }

  /** Binds what can be bound, then the policy looks. */
  #changed(): void {
    this.#dispatch();
    this.#scaler.wake(this.#pool);
  }

  #dispatch(): void {
    const pool = this.#pool;
    const now = this.#timeline.now();
    for (;;) {
      const assignment = pool.dispatcher.next(now, pool.serviceSeconds);
      if (!assignment) return;
      const { container, job: queued } = assignment;
      const job = this.#input.trace.jobs[queued.number] as TraceJob;
      this.#containers.apply(container, { type: 'job_started', at: now, modelKey: queued.modelKey });
      this.#timeline.set(now + job.serviceMs, kinds.completion, () => this.#complete(queued.number, container));
    }
  }

  #complete(number: number, container: string): void {
    const now = this.#timeline.now();
    const job = this.#input.trace.jobs[number] as TraceJob;
    this.#responses[number] = now - job.arrivalMs;
    this.#finished++;
    this.#pool.learnServiceTime(job.serviceMs / 1000);
    this.#pool.dispatcher.jobEnded(container, now);
    this.#containers.apply(container, { type: 'job_ended', at: now, done: true });
    this.#changed();
  }
}

const deploymentOf = (scaling: ScalingSettings): Deployment => ({
  name: 'simulated',
  environment: 'production',
  workspace: 'local',
  default: true,
  revision: '',
  scaling,
  executionTimeoutMs: 0,
  problems: [],
  createdAt: 0,
  updatedAt: 0,
});
