import type { Prior } from '../../runtimes/runtime.ts';
import type { QueuedJob } from '../dispatch/queue.ts';
import { ArrivalRates } from './arrival-rates.ts';
import { Bursts } from './bursts.ts';
import { HoursOfWeek } from './hours-of-week.ts';
import { elapsedWhen, quantile, remaining, type Lognormal } from './lognormal.ts';
import { ServiceTimes } from './service-times.ts';

/** Into how many steps the latency target is cut. */
export const steps = 32;
/** Weight of the newest value in exponentially weighted means. */
const weight = 0.2;
/** A late job goes behind the others until it has waited so many times the target's latency. */
const behindFor = 10;

const hourMs = 3_600_000;
/** So long after the change of an hour the rates that were counted still know more of the hour before. */
const changeMs = 180_000;

/** What a policy that aims at the target is told of a deployment, beside the counts that every policy sees. */
export interface Observed {
  /** Seconds of a step. */
  readonly stepSeconds: number;
  /** Queued jobs that can still meet the target, by the step from now in which they must be bound at the latest; the last step: then or later. */
  readonly latestStarts: readonly number[];
  /** Queued jobs that cannot, or that came when there was no target to meet. */
  readonly late: number;
  /**
   * Busy and starting containers by the step from now in which they will probably take the next job. All zero while nobody waits who can
   * still meet the target: then it makes no difference.
   */
  readonly frees: readonly number[];
  /** Arrivals per second, and those of about the last quarter hour. */
  readonly rate: number;
  readonly arrivals: number;
  /** Seconds on the GPU. */
  readonly service: Lognormal;
  /** Seconds of a job beside those on the GPU. */
  readonly outsideSeconds: number;
  /** Seconds that a start takes. */
  readonly startSeconds: number;
  /** Seconds that loading a job's models takes on a GPU that does not hold them; 0 where nobody has seen that. */
  readonly loadSeconds: number;
  /** Jobs per second that the n-th container would have helped against bursts, by n - 1. */
  readonly bursts: readonly number[];
  /** Jobs that have ended, and those of them that missed the target. */
  readonly ended: number;
  readonly missed: number;
}

/** How long things take at a deployment beside its jobs' time on the GPU. */
export interface LearntTimes {
  readonly startMs: number | null;
  /** See `Observations`. */
  readonly leadMs: number | null;
  readonly loadMs: number | null;
  /** From a prompt's end on the GPU until its job has left the container. */
  readonly afterMs: number | null;
}

interface Prompt {
  readonly container: string;
  readonly workflow: string;
  readonly service: Lognormal;
  readonly boundAt: number;
  /** No other prompt wanted the container's GPU when it was bound. */
  readonly alone: boolean;
  takenAt: number | null;
  freedAt: number | null;
}

/**
 * Learns from what happens to a deployment's jobs and containers: service times for each workflow class, what jobs take outside the GPU, how
 * long starts take, arrivals, bursts, attainment. Its pool tells it; it reads no clock. Times are milliseconds unless named otherwise.
 */
export class Observations {
  readonly #services: ServiceTimes;
  readonly #rates: ArrivalRates;
  readonly #hours: HoursOfWeek;
  readonly #bursts: Bursts;
  readonly #prompts = new Map<string, Prompt>();
  /** Prompts of each container that still want its GPU, in the order in which they were bound. */
  readonly #wanting = new Map<string, Prompt[]>();
  readonly #starting = new Map<string, number>();
  #firstReadyAt: number | null = null;
  #startMs: number;
  #startLearnt = false;
  #leadMs: number | null = null;
  #loadMs: number | null = null;
  #afterMs: number | null = null;
  #ended = 0;
  #missed = 0;

  constructor(now: number, { serviceSeconds, startSeconds, outsideSeconds }: Prior) {
    this.#services = new ServiceTimes(serviceSeconds);
    this.#rates = new ArrivalRates(now);
    this.#hours = new HoursOfWeek(now);
    this.#bursts = new Bursts(now);
    this.#startMs = startSeconds * 1000;
    if (outsideSeconds !== undefined) this.#leadMs = this.#afterMs = outsideSeconds * 500;
  }

  /** From binding a prompt until its container's GPU takes it, when it need not wait for the GPU. Null: nothing is known yet. */
  get leadMs(): number | null {
    return this.#leadMs;
  }

  /** Loading a prompt's models onto a GPU that does not hold them. Null: nothing is known yet. */
  get loadMs(): number | null {
    return this.#loadMs;
  }

  /** What was learnt so far, milliseconds; null: nothing yet. */
  learnt(): LearntTimes {
    const { leadMs, loadMs } = this;
    return { startMs: this.#startLearnt ? this.#startMs : null, leadMs, loadMs, afterMs: this.#afterMs };
  }

  /** Seconds that a job takes on the GPU, whatever its class. */
  get serviceSeconds(): number {
    return this.#services.predict().mean;
  }

  /** Seconds that a start takes. */
  get startSeconds(): number {
    return this.#startMs / 1000;
  }

  /** A job has come. */
  arrived(now: number, latencyMs: number): void {
    this.#firstReadyAt ??= now + this.#startMs;
    this.#rates.arrived(now);
    this.#hours.arrived(now);
    const slackMs = latencyMs - this.#wholeMs(this.serviceSeconds);
    // Jobs that can wait for a start are no burst, and those that cannot be in time at all are nothing to be ready for.
    if (slackMs >= 0 && slackMs < this.#startMs) this.#bursts.arrived(now, { latencyMs, slackMs, startMs: this.#startMs });
  }

  /** From when to when a job goes behind the others, since it probably cannot meet the target any more. */
  behind({ createdAt, workflow }: { createdAt: number; workflow: string }, latencyMs: number): QueuedJob['behind'] {
    const medianMs = this.#wholeMs(quantile(this.#services.predict(workflow), 0));
    return { from: createdAt + latencyMs - medianMs, to: createdAt + behindFor * latencyMs };
  }

  /** So many containers are wanted for the rate of arrivals alone. */
  stands(now: number, containers: number): void {
    this.#bursts.stands(now, containers, this.#rates.rate(now));
  }

  startBegan(container: string, now: number): void {
    this.#starting.set(container, now);
  }

  startEnded(container: string, now: number, { ready }: { ready: boolean }): void {
    const began = this.#starting.get(container);
    this.#starting.delete(container);
    if (!ready || began === undefined) return;
    this.#startMs = mean(this.#startMs, now - began);
    this.#startLearnt = true;
  }

  bound(job: string, container: string, workflow: string, now: number): void {
    const wanting = this.#wanting.get(container) ?? [];
    const service = this.#services.predict(workflow);
    const prompt: Prompt = { container, workflow, service, boundAt: now, alone: wanting.length === 0, takenAt: null, freedAt: null };
    this.#wanting.set(container, [...wanting, prompt]);
    this.#prompts.set(job, prompt);
  }

  /** The GPU began with the job's prompt; only the first such word counts. */
  taken(job: string, now: number): void {
    const prompt = this.#prompts.get(job);
    if (!prompt || prompt.takenAt !== null || prompt.freedAt !== null) return;
    prompt.takenAt = now;
    if (prompt.alone) this.#leadMs = mean(this.#leadMs, now - prompt.boundAt);
  }

  /** A prompt had to load its models; it took so long. */
  loaded(ms: number): void {
    this.#loadMs = mean(this.#loadMs, ms);
  }

  /** The prompt has ended on its container. `whole`: it ran to its end, so its time teaches something. */
  freed(job: string, now: number, { whole }: { whole: boolean }): void {
    const prompt = this.#prompts.get(job);
    if (!prompt || prompt.freedAt !== null) return;
    this.#free(prompt, now);
    if (whole && prompt.takenAt !== null) this.#services.learn(prompt.workflow, (now - prompt.takenAt) / 1000);
  }

  /**
   * The job has left its container. `createdAt` null: without a result that counts. Those that came before a container that was started for
   * the very first job could be ready tell nothing of whether there are enough.
   */
  ended(job: string, now: number, { createdAt, latencyMs }: { createdAt: number | null; latencyMs: number }): void {
    const prompt = this.#prompts.get(job);
    if (!prompt) return;
    this.#prompts.delete(job);
    if (prompt.freedAt === null) this.#free(prompt, now);
    else if (createdAt !== null) this.#afterMs = mean(this.#afterMs, now - prompt.freedAt);
    if (createdAt === null || createdAt < (this.#firstReadyAt ?? 0)) return;
    this.#ended++;
    if (now - createdAt > latencyMs) this.#missed++;
  }

  /**
   * When another prompt can be sent so that it arrives just when the GPU is free: when what is left of the job's time is no longer than that
   * takes. Null: that cannot be told, since nothing is known yet, or times vary too much.
   */
  nextAt(job: string): number | null {
    const prompt = this.#prompts.get(job);
    if (!prompt || prompt.takenAt === null || this.#leadMs === null || !this.#services.knows(prompt.workflow)) return null;
    const elapsed = elapsedWhen(prompt.service, this.#leadMs / 1000);
    return elapsed === null ? null : prompt.takenAt + elapsed * 1000;
  }

  /** Everything at this moment. */
  observe(now: number, { latencyMs, queue }: { latencyMs: number; queue: Iterable<QueuedJob> }): Observed {
    const stepMs = latencyMs / steps;
    const { waiting, late } = urgencyOf(queue, now, stepMs);
    return {
      stepSeconds: stepMs / 1000,
      latestStarts: waiting ?? nothing,
      late,
      frees: waiting ? this.#frees(now, stepMs) : nothing,
      rate: this.#rate(now),
      arrivals: this.#rates.jobs(now),
      service: this.#services.predict(),
      outsideSeconds: this.#wholeMs(0) / 1000,
      startSeconds: this.startSeconds,
      loadSeconds: (this.#loadMs ?? 0) / 1000,
      bursts: this.#bursts.rates(now),
      ended: this.#ended,
      missed: this.#missed,
    };
  }

  /** From binding to the end, where the GPU takes so many seconds. */
  #wholeMs(gpuSeconds: number): number {
    return (this.#leadMs ?? 0) + gpuSeconds * 1000 + (this.#afterMs ?? 0);
  }

  /** Arrivals per second when a container that is started now will be ready: around the change of an hour, at least what is usual then. */
  #rate(now: number): number {
    const rate = this.#rates.rate(now);
    const intoHour = (now + this.#startMs) % hourMs;
    return intoHour > changeMs + this.#startMs ? rate : Math.max(rate, this.#hours.rate(now, now + this.#startMs) ?? 0);
  }

  #frees(now: number, stepMs: number): number[] {
    const counts = emptySteps();
    const leadMs = this.#leadMs ?? 0;
    for (const prompts of this.#wanting.values()) {
      let inMs = -leadMs;
      for (const { service, takenAt } of prompts) inMs += 1000 * remaining(service, takenAt === null ? 0 : (now - takenAt) / 1000);
      count(counts, inMs / stepMs);
    }
    for (const began of this.#starting.values()) count(counts, (began + this.#startMs - now) / stepMs);
    return counts;
  }

  #free(prompt: Prompt, now: number): void {
    prompt.freedAt = now;
    const left = (this.#wanting.get(prompt.container) ?? []).filter((other) => other !== prompt);
    if (left.length > 0) this.#wanting.set(prompt.container, left);
    else this.#wanting.delete(prompt.container);
  }
}

const mean = (before: number | null, value: number): number => (before === null ? value : before + weight * (value - before));

const nothing: readonly number[] = Array.from({ length: steps }, () => 0);
const emptySteps = (): number[] => nothing.slice();

/** One more at so many steps from now; the last step stands for all later ones, the first for what should have been. */
function count(counts: number[], at: number): void {
  const step = Math.max(0, Math.min(steps - 1, Math.floor(at)));
  counts[step] = (counts[step] as number) + 1;
}

/** `waiting` null: nobody waits who can still meet the target. */
function urgencyOf(queue: Iterable<QueuedJob>, now: number, stepMs: number): { waiting: number[] | null; late: number } {
  let waiting: number[] | null = null;
  let late = 0;
  for (const { behind } of queue) {
    if (behind && behind.from > now) count((waiting ??= emptySteps()), (behind.from - now) / stepMs);
    else late++;
  }
  return { waiting, late };
}
