import type { QueuedJob } from '../../dispatch/queue.ts';
import { ArrivalRates } from './arrival-rates.ts';
import { Bursts } from './bursts.ts';
import { ServiceTimes, type ServiceTime } from './service-times.ts';

/** Into how many steps the latency target is cut. */
export const steps = 64;

/** What the policy `slo` is told of a deployment, beside the counts that every policy sees. */
export interface Observed {
  /** Seconds of a step. */
  readonly stepSeconds: number;
  /** Queued jobs that can still meet the target, by the step from now in which they must begin; the last step: then or later. */
  readonly latestStarts: readonly number[];
  /** Queued jobs that cannot. */
  readonly behind: number;
  /** Busy containers by the step from now in which they will probably be free, and starting ones by that in which they will be ready. */
  readonly busyEnds: readonly number[];
  readonly startEnds: readonly number[];
  /** Arrivals per second. */
  readonly rate: number;
  readonly service: ServiceTime;
  /** Seconds that a start takes. */
  readonly startSeconds: number;
  /** Jobs that ended so far, and those of them that missed the target. */
  readonly finished: number;
  readonly missed: number;
  /** Per second: jobs that found too few containers, by the level (less one) of the container that was missing. */
  readonly uncovered: readonly number[];
}

interface Running {
  readonly startedAt: number;
  readonly service: ServiceTime;
}

/** Learns from what happens to a deployment's jobs and containers. Fed by its pool; pure but for its memory. */
export class Observations {
  readonly services: ServiceTimes;
  readonly #rates: ArrivalRates;
  readonly #running = new Map<string, Running[]>();
  readonly #starting = new Map<string, number>();
  #startMs: number;
  #finished = 0;
  #missed = 0;
  readonly #bursts: Bursts;

  constructor(now: number, { serviceSeconds, startSeconds }: { serviceSeconds: number; startSeconds: number }) {
    this.services = new ServiceTimes(serviceSeconds);
    this.#rates = new ArrivalRates(now);
    this.#bursts = new Bursts(now);
    this.#startMs = startSeconds * 1000;
  }

  /** What a start is known to take. */
  expectStart(ms: number): void {
    this.#startMs = ms;
  }

  arrived(now: number, latencyMs: number): void {
    this.#rates.arrived(now);
    const serviceMs = this.services.predict('').mean * 1000;
    if (this.#startMs >= latencyMs - serviceMs) this.#bursts.arrived(now, latencyMs, serviceMs, this.#startMs);
  }

  /** So many containers are kept for the rate of arrivals alone. */
  based(now: number, containers: number): void {
    this.#bursts.based(now, containers, this.#rates.rate(now));
  }

  startBegan(container: string, now: number): void {
    this.#starting.set(container, now);
  }

  startEnded(container: string, now: number, { ready }: { ready: boolean }): void {
    const began = this.#starting.get(container);
    this.#starting.delete(container);
    if (ready && began !== undefined) this.#startMs += 0.2 * (now - began - this.#startMs);
  }

  jobStarted(container: string, workflow: string, now: number): void {
    const running = this.#running.get(container) ?? [];
    running.push({ startedAt: now, service: this.services.predict(workflow) });
    this.#running.set(container, running);
  }

  /** A job left its container; `outcome` null: without an end, it will be tried again. */
  jobEnded(container: string, outcome: { workflow: string; seconds: number; late: boolean } | null): void {
    const running = this.#running.get(container);
    running?.shift();
    if (running?.length === 0) this.#running.delete(container);
    if (!outcome) return;
    this.services.learn(outcome.workflow, outcome.seconds);
    this.#finished++;
    if (outcome.late) this.#missed++;
  }

  /** Everything at this moment, for queued jobs with their latest starts. */
  observe(now: number, input: { latencyMs: number; queue: Iterable<QueuedJob>; behind: number }): Observed {
    const stepMs = input.latencyMs / steps;
    const stepOf = (at: number): number => Math.max(0, Math.min(steps - 1, Math.floor((at - now) / stepMs)));
    const count = (times: Iterable<number>): number[] => {
      const counts = new Array<number>(steps).fill(0);
      for (const at of times) counts[stepOf(at)]! += 1;
      return counts;
    };
    return {
      stepSeconds: stepMs / 1000,
      latestStarts: count(latestStarts(input.queue, now)),
      behind: input.behind,
      busyEnds: count(this.#ends(now)),
      startEnds: count([...this.#starting.values()].map((began) => began + this.#startMs)),
      rate: this.#rates.rate(now),
      service: this.services.predict(''),
      startSeconds: this.#startMs / 1000,
      finished: this.#finished,
      missed: this.#missed,
      uncovered: this.#bursts.rates(now),
    };
  }

  *#ends(now: number): Iterable<number> {
    for (const running of this.#running.values()) {
      let at = now;
      running.forEach(({ startedAt, service }, n) => {
        at += n === 0 ? remainingMs(service, now - startedAt) : service.mean * 1000;
      });
      yield at;
    }
  }
}

function* latestStarts(queue: Iterable<QueuedJob>, now: number): Iterable<number> {
  for (const { behind } of queue) if (behind && behind.from > now) yield behind.from;
}

/** What is left of a job that has run for so long: E[S - e | S > e] of a lognormal S. */
function remainingMs({ mean, mu, sigma }: ServiceTime, elapsedMs: number): number {
  const elapsed = elapsedMs / 1000;
  if (elapsed <= 0) return mean * 1000;
  const z = (Math.log(elapsed) - mu) / Math.max(sigma, 1e-6);
  const left = upperTail(z);
  // Far beyond anything known: it has lasted, so it will last.
  if (left < 1e-6) return elapsedMs * 0.1;
  return Math.max(0, (mean * upperTail(z - sigma)) / left - elapsed) * 1000;
}

/** P(Z > z) of the standard normal, by the approximation 26.2.17 of Abramowitz and Stegun; its error is below 1e-7. */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
