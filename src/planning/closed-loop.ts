import { Draw } from './random.ts';
import type { Agenda, JobFeed } from './source.ts';
import { kinds } from './timeline.ts';
import type { TraceJob } from './trace.ts';

/** From `fromMs` on there are `users`; those that are new join one after the other, evenly over `overMs`. */
export interface Level {
  readonly fromMs: number;
  readonly users: number;
  readonly overMs: number;
}

/**
 * Users who each wait for their answer, pause, and ask again (a closed loop: slow answers slow the arrivals). They have no keys of their own, so
 * that their jobs go first come, first served. Times are milliseconds.
 */
export interface ClosedLoop {
  readonly name: string;
  /** In order of `fromMs`, beginning at 0. A user asks as soon as it has joined; where there are to be fewer, the last to join leave after their answer. */
  readonly levels: readonly Level[];
  /** Nobody asks from then on. */
  readonly endMs: number;
  readonly pauseMs: (draw: Draw) => number;
  /** Exclusive time on the GPU of the next job. */
  readonly serviceMs: (draw: Draw) => number;
  readonly seed: number;
}

interface User {
  readonly name: string;
  /** Pauses and jobs have streams of their own, so that what a user asks depends neither on other users nor on how fast it is answered. */
  readonly pauses: Draw;
  readonly services: Draw;
  readonly index: number;
}

/** The users of a closed loop. They ask on whatever time they are given, a live run's too. */
export class UserFeed implements JobFeed {
  readonly #loop: ClosedLoop;
  readonly #asking = new Map<TraceJob, User>();
  #agenda!: Agenda;
  #arrive!: (job: TraceJob) => void;
  /** Users who will ask without an answer: they pause, or have yet to join. */
  #coming = 0;

  constructor(loop: ClosedLoop) {
    this.#loop = loop;
  }

  get endMs(): number {
    return this.#loop.endMs;
  }

  get exhausted(): boolean {
    return this.#coming === 0;
  }

  begin(agenda: Agenda, arrive: (job: TraceJob) => void): void {
    this.#agenda = agenda;
    this.#arrive = arrive;
    let before = 0;
    for (const { fromMs, users, overMs } of this.#loop.levels) {
      for (let index = before; index < users; index++)
        this.#comeAt(fromMs + (overMs * (index - before)) / (users - before), this.#user(index));
      before = users;
    }
  }

  answered(job: TraceJob): void {
    const user = this.#asking.get(job) as User;
    this.#asking.delete(job);
    this.#comeAt(this.#agenda.now() + this.#loop.pauseMs(user.pauses), user);
  }

  #user(index: number): User {
    const draw = (stream: number): Draw => new Draw(this.#loop.seed + (2 * index + stream) * 2 ** 32);
    return { name: `user-${index + 1}`, pauses: draw(1), services: draw(2), index };
  }

  #comeAt(at: number, user: User): void {
    if (at >= this.#loop.endMs) return;
    this.#coming++;
    this.#agenda.set(at, kinds.arrival, () => {
      this.#coming--;
      if (user.index >= this.#usersAt(at)) return;
      const job: TraceJob = { arrivalMs: at, serviceMs: this.#loop.serviceMs(user.services), model: '', user: user.name, workflow: '' };
      this.#asking.set(job, user);
      this.#arrive(job);
    });
  }

  #usersAt(at: number): number {
    return this.#loop.levels.findLast(({ fromMs }) => fromMs <= at)?.users ?? 0;
  }
}
