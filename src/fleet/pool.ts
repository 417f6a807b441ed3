import type { Json } from '../comfyui/protocol.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { Job } from '../jobs/job.ts';
import type { Spent } from '../jobs/timing.ts';
import { takesJobs, type Container } from './container.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { FleetSummary } from './scaling/policy.ts';
import type { LimitedDecision } from './scaling/limits.ts';
import type { Timer } from './clock.ts';

/** The longest pause after failed starts. */
const maxBackoffMs = 60_000;

/** Weight of the newest job in the learnt service time. */
const serviceTimeWeight = 0.2;

/** A queued job and what its earlier attempts have cost it. */
export interface PendingJob {
  readonly job: Job;
  /** Accepted, or put back after a lost container. */
  readonly waitingSince: number;
  readonly spent: Spent;
  /** Ends it at its deadline. */
  readonly deadline: Timer | null;
}

/** What the controller keeps in memory of one deployment: its queue, its containers, and what its policy remembers. */
export class Pool {
  readonly key: string;
  readonly dispatcher = new Dispatcher();
  /** Queued jobs by id; the dispatcher's queue has their order. */
  readonly jobs = new Map<string, PendingJob>();
  readonly containers = new Map<string, Container>();
  /** Ready containers without a prompt, longest idle first (insertion order). */
  readonly idle = new Map<string, Container>();
  deployment: Deployment;

  /** The policy's own memory. */
  memory: Json = null;
  lastDecisionAt = -Infinity;
  timer: Timer | null = null;
  /** When `timer` goes off. */
  wakeAt: number | null = null;
  /** When the policy wishes to be asked again, whatever happens before. */
  dueAt: number | null = null;
  desired = 0;
  target = 0;
  heldBy: LimitedDecision['heldBy'] = null;
  /** Starts that failed in a row, and until when no other is tried. */
  failedStarts = 0;
  backoffUntil = 0;
  lastFailure: string | null = null;
  /** Learnt seconds per job: what a key is charged before the true figure is known. */
  serviceSeconds = 1;
  #starting = 0;
  #draining = 0;
  #busy = 0;
  /** Prompts on containers that are not draining. */
  #running = 0;
  /** Jobs in flight summed over time up to `#accruedAt`, and how many there were since. */
  #inFlightMs = 0;
  #inFlight = 0;
  #accruedAt = 0;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
    this.key = poolKey(deployment.name, deployment.environment);
  }

  get running(): number {
    return this.#running;
  }

  get draining(): number {
    return this.#draining;
  }

  /** Containers that take jobs or will. */
  get alive(): number {
    return this.#starting + this.#busy + this.idle.size;
  }

  /** Puts a container in or changes it; keeps every count and index in step, in O(log n). */
  put(container: Container): void {
    const before = this.containers.get(container.id);
    if (before) this.#count(before, -1);
    this.containers.set(container.id, container);
    this.#count(container, 1);
    const wasIdle = this.idle.has(container.id);
    const isIdle = container.state === 'ready';
    if (isIdle && (!wasIdle || before?.idleSince !== container.idleSince)) this.idle.delete(container.id);
    if (isIdle) this.idle.set(container.id, container);
    else if (wasIdle) this.idle.delete(container.id);
    if (!takesJobs(container.state)) this.dispatcher.removeContainer(container.id);
  }

  remove(id: string): void {
    const container = this.containers.get(id);
    if (!container) return;
    this.#count(container, -1);
    this.containers.delete(id);
    this.idle.delete(id);
    this.dispatcher.removeContainer(id);
  }

  /** Something of the queue or of the containers has changed at `now`. Call after every change, so that the mean of what is in flight is exact. */
  accrue(now: number): void {
    this.#inFlightMs += this.#inFlight * (now - this.#accruedAt);
    this.#accruedAt = now;
    this.#inFlight = this.dispatcher.queue.size + this.#running;
  }

  /** `due`: the time that the policy asked for. `lateAfterMs`: from which wait on a queued job is late; null: nobody asks. */
  summary(now: number, { due, lateAfterMs }: { due: boolean; lateAfterMs: number | null }): FleetSummary {
    this.accrue(now);
    const oldest = this.dispatcher.queue.oldest();
    return {
      now,
      due,
      queued: this.dispatcher.queue.size,
      running: this.#running,
      starting: this.#starting,
      busy: this.#busy,
      idleForMs: [...this.idle.values()].map((container) => now - (container.idleSince ?? now)),
      oldestQueuedMs: oldest ? now - oldest.createdAt : null,
      late: lateAfterMs === null ? 0 : this.dispatcher.queue.countUntil(now - lateAfterMs),
      inFlightMs: this.#inFlightMs,
    };
  }

  /** A container became ready: starts work. */
  startSucceeded(): void {
    this.failedStarts = 0;
    this.backoffUntil = 0;
    this.lastFailure = null;
  }

  /** Starts that fail together are one failure: 1 s until the next try, then twice as long each time. */
  startFailed(now: number, message: string | null): void {
    if (now < this.backoffUntil) return;
    this.failedStarts++;
    this.lastFailure = message;
    this.backoffUntil = now + Math.min(maxBackoffMs, 1_000 * 2 ** (this.failedStarts - 1));
  }

  learnServiceTime(seconds: number): void {
    this.serviceSeconds += serviceTimeWeight * (seconds - this.serviceSeconds);
  }

  #count(container: Container, sign: 1 | -1): void {
    if (container.state === 'starting') this.#starting += sign;
    if (container.state === 'busy') this.#busy += sign;
    if (container.state === 'draining') this.#draining += sign;
    if (takesJobs(container.state)) this.#running += sign * container.inFlight;
  }
}

export const poolKey = (deployment: string, environment: string): string => `${deployment}@${environment}`;
