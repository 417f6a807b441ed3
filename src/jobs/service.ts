import { ComfleetError } from '../errors.ts';
import type { Clock, Random } from '../fleet/clock.ts';
import type { Store } from '../store/store.ts';
import { isEnded, type Job, type JobRequest } from './job.ts';
import type { Jobs } from './jobs.ts';
import { Waiters } from './waiters.ts';

interface Dependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Throws where a job is not to be accepted now. */
  readonly admit: (request: JobRequest) => void;
  /** Hands an accepted job to the controller. */
  readonly accept: (job: Job) => void;
  /** Tells the controller that the store noted a cancel; `job` is what it is now. */
  readonly canceled: (job: Job) => void;
}

/** Far above what can be counted, far below where numbers stop being exact. */
const maxNumber = 2 ** 48;

/** Jobs as dialects see them, with the callers that wait for one. The rest belongs to whoever composes it. */
export interface JobsService extends Jobs {
  /** A job of before this process is queued with this number: counting goes on behind it. */
  continueBehind(number: number): void;
  /** A job reached its final state: wakes whoever waits for it. */
  ended(job: Job): void;
  /** Accepts no more jobs, and wakes whoever waits for one that does not run: only those that do are still finished. */
  drain(runs?: (job: string) => boolean): void;
}

export function createJobs({ store, clock, random, admit, accept, canceled }: Dependencies): JobsService {
  const waiters = new Waiters(clock);
  /** Accepted by this process and not ended yet: waiting for one of them needs no look into the store. */
  const active = new Set<string>();
  let nextNumber = 0;
  let draining = false;

  const get = async (id: string): Promise<Job> => {
    const job = await store.job(id);
    if (!job) throw new ComfleetError('unknown_job', `There is no job ${id}`);
    return job;
  };

  return {
    get,
    async earlier({ idempotency, ...request }) {
      const found = idempotency && (await store.earlierSubmission({ at: clock.now(), ...request, idempotency }));
      if (found?.kind === 'mismatch') throw mismatch(found.job);
      return found?.job ?? null;
    },
    async submit(request) {
      if (draining) throw new ComfleetError('draining', 'The gateway is shutting down and takes no more jobs');
      admit(request);
      const submission = await store.submit({ id: random.id(), at: clock.now(), request });
      if (submission.kind === 'mismatch') throw mismatch(submission.job);
      if (submission.kind === 'accepted') {
        active.add(submission.job.id);
        accept(submission.job);
      }
      return { job: submission.job, replay: submission.kind === 'known' };
    },
    takeNumber: () => nextNumber++,
    continueBehind(number) {
      // Clients choose numbers too: the counter follows whole ones, and only as far as it can count.
      if (Number.isInteger(number) && Math.abs(number) < maxNumber) nextNumber = Math.max(nextNumber, Math.abs(number) + 1);
    },
    async wait(id, { timeoutMs, signal }) {
      // Listen first, then look: a job that ends in between is not missed.
      const waiting = waiters.wait(id, timeoutMs, signal);
      try {
        if (!active.has(id)) {
          const now = await get(id);
          if (isEnded(now)) return now;
        }
        return await waiting.promise;
      } finally {
        waiting.end();
      }
    },
    async cancel(id, only) {
      const before = await get(id);
      if (isEnded(before))
        throw new ComfleetError('job_finished', `Job ${id} has ended already: it is ${before.state}`, { state: before.state });
      const job = await store.requestCancel({ job: id, at: clock.now(), ...(only && { only }) });
      if (!job) throw new ComfleetError('unknown_job', `There is no job ${id}`);
      const untouched = only === 'queued' ? job.state !== 'canceled' : only === 'running' && !job.cancelRequested;
      if (!untouched) canceled(job);
      return job;
    },
    ended(job) {
      active.delete(job.id);
      waiters.wake(job.id, job);
    },
    drain(runs = () => false) {
      draining = true;
      waiters.giveUp(runs);
    },
  };
}

const mismatch = (job: string): ComfleetError =>
  new ComfleetError('idempotency_mismatch', `This Idempotency-Key belongs to job ${job}, whose body was another`, { job });
