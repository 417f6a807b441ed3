import type { Container } from '../fleet/container.ts';
import { Pool } from '../fleet/pool.ts';
import { Scaler } from '../fleet/scaler.ts';
import type { ScalingSettings } from '../fleet/scaling/settings.ts';
import type { Prior } from '../runtimes/runtime.ts';
import { UserFeed, type ClosedLoop } from './closed-loop.ts';
import type { Faults } from './faults.ts';
import { leastPatienceMs, patienceMs } from './patience.ts';
import { Draw } from './random.ts';
import { Recorder, type Recording } from './recorder.ts';
import { SimulatedContainers, type GpuSeconds } from './simulated-containers.ts';
import { simulatedDeployment } from './simulated-deployment.ts';
import { SimulatedFaults } from './simulated-faults.ts';
import { SimulatedGpus, type Run } from './simulated-gpus.ts';
import { TraceFeed, type JobFeed } from './source.ts';
import { Timeline } from './timeline.ts';
import type { Trace, TraceJob } from './trace.ts';

export interface SimulationInput {
  /** Jobs that come at their times, or users who wait for answers. */
  readonly source: Trace | ClosedLoop;
  readonly scaling: ScalingSettings;
  /** Milliseconds that a start takes. */
  readonly startMs: number;
  /** What else is known of jobs beforehand. */
  readonly prior?: Partial<Prior>;
  /** Milliseconds that each job takes outside the GPU, before and after its time on it; left out: none. */
  readonly outsideMs?: { readonly before: number; readonly after: number };
  /** Milliseconds of loading a model onto a GPU that does not hold it; left out: none. */
  readonly loadMs?: (draw: Draw, model: string) => number;
  /** What goes wrong; left out: nothing. */
  readonly faults?: Partial<Faults>;
  /** Record counts over time in at most so many periods, an even number; left out: none. */
  readonly periods?: number;
  /** Of faults and loads; left out: 0. */
  readonly seed?: number;
  /** End of the accounts; null: the last arrival. Not before the last arrival. Jobs that are unfinished then are waited for, and the accounts with them. */
  readonly horizonMs: number | null;
  /** How often a policy is asked at most. The live controller: 100 ms. */
  readonly periodMs: number;
  /** Price of a GPU-hour, for budgets; left out: none. */
  readonly usdPerHour?: number | null;
  /** GPUs that there are. */
  readonly slots: number;
}

export interface SimulationOutcome {
  /** In the order of arrival. */
  readonly jobs: readonly TraceJob[];
  /** Milliseconds from arrival to completion, of each of `jobs`; Infinity: it was never answered. */
  readonly responsesMs: Float64Array;
  readonly gpuSeconds: GpuSeconds;
  readonly starts: number;
  readonly peakContainers: number;
  readonly modelSwitches: number;
  /** Models that were loaded onto GPUs that held none; not among the switches. */
  readonly firstLoads: number;
  /** Tries that lost their container. */
  readonly retries: number;
  readonly endMs: number;
  readonly events: number;
  /** Null unless asked for. */
  readonly recording: Recording | null;
}

/**
 * Runs the fleet's own scaler, policies, dispatcher and container states over jobs on virtual time. The same input gives the same outcome. It
 * always ends: what no container takes, such as under `max_containers: 0`, is given up (see patience.ts).
 */
export function simulate(input: SimulationInput): SimulationOutcome {
  return new Simulation(input).run();
}

class Simulation {
  readonly #input: SimulationInput;
  readonly #timeline = new Timeline();
  readonly #feed: JobFeed;
  readonly #pool: Pool;
  readonly #containers: SimulatedContainers;
  readonly #gpus: SimulatedGpus;
  readonly #scaler: Scaler;
  readonly #jobs: TraceJob[] = [];
  readonly #responses: number[] = [];
  #answered = 0;
  /** When something last came or was answered. */
  #lastAt = 0;
  /** Of the jobs so far, milliseconds. */
  readonly #longest = { serviceMs: 0, loadMs: 0 };
  #retries = 0;

  constructor(input: SimulationInput) {
    this.#input = input;
    const timeline = this.#timeline;
    const faults = new SimulatedFaults(input.faults ?? {}, input.seed ?? 0);
    const loads = new Draw((input.seed ?? 0) + 2 ** 42);
    this.#feed = 'levels' in input.source ? new UserFeed(input.source) : new TraceFeed(input.source);
    this.#pool = new Pool(simulatedDeployment(input.scaling), {
      clock: timeline,
      onOpen: () => this.#dispatch(),
      prior: { startSeconds: input.startMs / 1000, ...input.prior },
    });
    this.#containers = new SimulatedContainers({
      timeline,
      slots: input.slots,
      usdPerHour: input.usdPerHour ?? null,
      startMs: () => input.startMs,
      startFails: () => faults.startFails(),
      onReady: (_, container) => this.#ready(container),
      onGone: (container) => void this.#gpus.remove(container),
      onStartFailed: (pool) => this.#scaler.wake(pool),
    });
    this.#gpus = new SimulatedGpus({
      timeline,
      outsideMs: input.outsideMs ?? { before: 0, after: 0 },
      onTaken: ({ id }) => this.#pool.promptTaken(id),
      onFreed: ({ id }) => this.#pool.promptFreed(id, { whole: true }),
      onEnded: (run) => this.#ended(run),
      loadMs: (model) => this.#longestOf('loadMs', input.loadMs?.(loads, model) ?? 0),
      onLoaded: (ms) => this.#pool.observations.loaded(ms),
      crashAfterMs: (gpuMs) => faults.crashAfterMs(gpuMs),
      onCrash: (container) => this.#crashed(container),
    });
    this.#scaler = new Scaler({
      clock: timeline,
      containers: this.#containers,
      slots: this.#containers.slots,
      pools: () => [this.#pool],
      priceOf: () => input.usdPerHour ?? null,
      gpuLimit: null,
      periodMs: input.periodMs,
      onStep: () => undefined,
    });
  }

  run(): SimulationOutcome {
    const timeline = this.#timeline;
    const recorder = this.#input.periods === undefined ? null : new Recorder(this.#input.periods);
    const horizonMs = this.#input.horizonMs ?? this.#feed.endMs;
    this.#scaler.wake(this.#pool);
    // The fleet has been there before the trace begins: its first job is decided upon at once.
    this.#pool.lastDecisionAt = -Infinity;
    this.#feed.begin(timeline, (job) => this.#arrive(job));
    for (;;) {
      const next = timeline.peek();
      if (!next || (next.at > horizonMs && this.#isOver(next.at))) break;
      timeline.step();
      recorder?.note(timeline.now(), this.#pool.counts());
    }
    timeline.skipTo(horizonMs);
    const { starts, peak } = this.#containers;
    return {
      jobs: this.#jobs,
      responsesMs: Float64Array.from(this.#responses),
      gpuSeconds: this.#containers.used(),
      starts,
      peakContainers: peak,
      modelSwitches: this.#gpus.switches,
      firstLoads: this.#gpus.firstLoads,
      retries: this.#retries,
      endMs: timeline.now(),
      events: timeline.events,
      recording: recorder?.end(timeline.now()) ?? null,
    };
  }

  /** Every job is answered, or nobody can expect that any other will be. */
  #isOver(at: number): boolean {
    if (!this.#feed.exhausted) return false;
    const quietMs = at - this.#lastAt;
    return this.#answered === this.#jobs.length || (quietMs > leastPatienceMs && quietMs > patienceMs(this.#input, this.#longest));
  }

  /** The same number, remembered where it is the longest. */
  #longestOf(what: 'serviceMs' | 'loadMs', ms: number): number {
    this.#longest[what] = Math.max(this.#longest[what], ms);
    return ms;
  }

  #arrive(job: TraceJob): void {
    const number = this.#jobs.push(job) - 1;
    this.#responses.push(Infinity);
    this.#lastAt = this.#timeline.now();
    this.#longestOf('serviceMs', job.serviceMs);
    this.#enqueue(number, job, { isNew: true });
    this.#changed();
  }

  #enqueue(number: number, job: TraceJob, { isNew }: { isNew: boolean }): void {
    // Ids sort by age.
    const id = `j${1_000_000_000 + number}`;
    // Users of a closed loop share one key, as those of one page do.
    const key = 'levels' in this.#input.source ? null : job.user;
    const queued = { id, priority: 0, number, key, modelKey: job.model, createdAt: job.arrivalMs };
    this.#pool.queueJob(queued, job.workflow, { isNew });
  }

  #ready({ id, inFlight, modelKey }: Container): void {
    this.#pool.startSucceeded();
    this.#gpus.add(id);
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
      const assignment = pool.next();
      if (!assignment) return;
      const { container, job: queued } = assignment;
      const job = this.#jobs[queued.number] as TraceJob;
      this.#containers.apply(container, { type: 'job_started', at: now, modelKey: queued.modelKey });
      pool.promptBound(queued.id, container, job.workflow);
      this.#gpus.submit({ number: queued.number, id: queued.id, job, container, boundAt: now, timer: null });
    }
  }

  #ended({ number, id, job, container }: Run): void {
    const now = this.#timeline.now();
    this.#responses[number] = now - job.arrivalMs;
    this.#answered++;
    this.#lastAt = now;
    this.#pool.promptEnded(id, container, job.arrivalMs);
    this.#containers.apply(container, { type: 'job_ended', at: now, done: true });
    this.#feed.answered(job);
    this.#changed();
  }

  /** What the container had goes back to where it was in the queue. However often that happens to a job, it is tried again. */
  #crashed(container: string): void {
    const lost = this.#gpus.remove(container);
    this.#containers.fail(container, 'crashed');
    for (const { id, number, job } of lost) {
      this.#pool.promptEnded(id, container, null);
      this.#enqueue(number, job, { isNew: false });
    }
    this.#retries += lost.length;
    this.#changed();
  }
}
