import type { Container } from '../../fleet/container.ts';
import { Pool } from '../../fleet/pool.ts';
import { defaultScaling } from '../../fleet/scaling/settings.ts';
import { towards } from '../../fleet/scaling/towards.ts';
import { SimulatedContainers } from '../simulated-containers.ts';
import { simulatedDeployment } from '../simulated-deployment.ts';
import { kinds, Timeline } from '../timeline.ts';
import type { TraceJob } from '../trace.ts';

export interface Replay {
  readonly jobs: readonly TraceJob[];
  readonly startMs: number;
  /** Containers to have from each time on, starting ones counted; in order of time, which may begin before 0. */
  readonly plan: readonly PlanStep[];
  /** Jobs that wait behind all others, by number. */
  readonly last: ReadonlySet<number>;
}

export interface PlanStep {
  readonly atMs: number;
  readonly containers: number;
}

/**
 * What a plan comes to that was made beforehand, on the fleet's containers and dispatcher. Containers above the plan stop as soon as they are idle;
 * a job that waits where the plan has no container (any more) gets one. Returns the responses in milliseconds.
 */
export function replay(input: Replay): Float64Array {
  return new Run(input).run();
}

class Run {
  readonly #input: Replay;
  readonly #timeline = new Timeline();
  readonly #pool = new Pool(simulatedDeployment(defaultScaling), { clock: this.#timeline, onOpen: () => undefined, prior: {} });
  readonly #containers: SimulatedContainers;
  readonly #responses: Float64Array;
  /** The timeline begins at 0, the plan perhaps before. */
  readonly #shiftMs: number;
  #wanted = 0;
  #arrived = 0;

  constructor(input: Replay) {
    this.#input = input;
    this.#shiftMs = Math.max(0, -(input.plan[0]?.atMs ?? 0));
    this.#responses = new Float64Array(input.jobs.length);
    this.#containers = new SimulatedContainers({
      timeline: this.#timeline,
      slots: 10_000,
      usdPerHour: null,
      startMs: () => input.startMs,
      startFails: () => false,
      onReady: (_, { id, inFlight, modelKey }) => {
        this.#pool.dispatcher.addContainer({ id, maxInputs: 1, inFlight, modelKey, at: this.#timeline.now() });
        this.#act();
      },
      onGone: () => undefined,
      onStartFailed: () => undefined,
    });
  }

  run(): Float64Array {
    for (const { atMs, containers } of this.#input.plan) {
      this.#timeline.set(atMs + this.#shiftMs, kinds.timer, () => {
        this.#wanted = containers;
        this.#act();
      });
    }
    this.#awaitArrival();
    while (this.#timeline.peek()) this.#timeline.step();
    return this.#responses;
  }

  #awaitArrival(): void {
    const job = this.#input.jobs[this.#arrived];
    if (job) this.#timeline.set(job.arrivalMs + this.#shiftMs, kinds.arrival, () => this.#arrive(job));
  }

  #arrive(job: TraceJob): void {
    const number = this.#arrived++;
    const id = `j${String(number).padStart(9, '0')}`;
    const priority = this.#input.last.has(number) ? -1 : 0;
    this.#pool.dispatcher.queue.add({ id, priority, number, key: null, modelKey: '', createdAt: job.arrivalMs, behind: null });
    this.#awaitArrival();
    this.#act();
  }

  #act(): void {
    const now = this.#timeline.now();
    for (let next = this.#pool.dispatcher.next(now, 1); next; next = this.#pool.dispatcher.next(now, 1)) {
      const { container, job } = next;
      this.#containers.apply(container, { type: 'job_started', at: now, modelKey: '' });
      const { serviceMs } = this.#input.jobs[job.number] as TraceJob;
      this.#timeline.set(now + serviceMs, kinds.completion, () => this.#complete(job.number, container));
    }
    this.#scale(now);
  }

  #scale(now: number): void {
    const summary = this.#pool.summary(now, { due: false, lateAfterMs: null, affordable: null, price: null });
    const wanted = summary.queued > 0 ? Math.max(1, this.#wanted) : this.#wanted;
    const { start, stop, cancel } = towards(wanted, summary);
    for (let n = 0; n < start; n++) this.#containers.start(this.#pool, 'planned');
    if (stop > 0) for (const { id } of [...this.#pool.idle.values()].slice(0, stop)) this.#containers.drain(id, 'planned');
    if (cancel > 0) for (const { id } of this.#starting().slice(-cancel)) this.#containers.drain(id, 'planned');
  }

  #starting(): Container[] {
    return [...this.#pool.containers.values()].filter(({ state }) => state === 'starting');
  }

  #complete(number: number, container: string): void {
    const now = this.#timeline.now();
    this.#responses[number] = now - this.#shiftMs - (this.#input.jobs[number] as TraceJob).arrivalMs;
    this.#pool.dispatcher.jobEnded(container, now);
    this.#containers.apply(container, { type: 'job_ended', at: now, done: true });
    this.#act();
  }
}
