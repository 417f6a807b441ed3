import type { Timer } from '../fleet/clock.ts';
import { kinds, type Kind } from './timeline.ts';
import type { Trace, TraceJob } from './trace.ts';

/** Time on which jobs come, milliseconds: virtual in a simulation, real in a live run. */
export interface Agenda {
  now(): number;
  set(at: number, kind: Kind, fn: () => void): Timer;
}

/** Where a simulation's jobs come from. */
export interface JobFeed {
  /** End of the accounts, if nobody says another: nothing comes later, unless it is waited for. Milliseconds. */
  readonly endMs: number;
  /** Is every job that does not depend on an answer there already? */
  readonly exhausted: boolean;
  /** Begins to give jobs, each to `arrive` at its time. */
  begin(agenda: Agenda, arrive: (job: TraceJob) => void): void;
  /** The job was answered now. */
  answered(job: TraceJob): void;
}

/** Jobs that come at their times, whatever becomes of them. One arrival at a time is on the timeline, so that a long trace does not make every event dearer. */
export class TraceFeed implements JobFeed {
  readonly #jobs: readonly TraceJob[];
  #given = 0;

  constructor({ jobs }: Trace) {
    this.#jobs = jobs;
  }

  get endMs(): number {
    return this.#jobs.at(-1)?.arrivalMs ?? 0;
  }

  get exhausted(): boolean {
    return this.#given === this.#jobs.length;
  }

  begin(agenda: Agenda, arrive: (job: TraceJob) => void): void {
    const next = (): void => {
      const job = this.#jobs[this.#given];
      if (job) agenda.set(job.arrivalMs, kinds.arrival, give);
    };
    const give = (): void => {
      const job = this.#jobs[this.#given++] as TraceJob;
      next();
      arrive(job);
    };
    next();
  }

  answered(): void {}
}
