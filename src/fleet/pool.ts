import type { Json } from '../comfyui/protocol.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { Job } from '../jobs/job.ts';
import type { Spent } from '../jobs/timing.ts';
import { takesJobs, type Container } from './container.ts';
import { Dispatcher, type Assignment } from './dispatch/dispatcher.ts';
import { Overlap } from './dispatch/overlap.ts';
import type { QueuedJob } from './dispatch/queue.ts';
import type { Prior } from '../runtimes/runtime.ts';
import { Observations, type LearntTimes, type Observed } from './learning/observations.ts';
import { policies } from './scaling/policies.ts';
import type { Decision, FleetSummary } from './scaling/policy.ts';
import type { LimitedDecision } from './scaling/limits.ts';
import { budgetWait } from './scaling/budget-wait.ts';
import { Spending, type Affordable } from './scaling/spending.ts';
import type { Clock, Timer } from './clock.ts';

/** The longest pause after failed starts. */
const maxBackoffMs = 60_000;

/** What a start is taken to need before there was one. */
const guessedStartSeconds = 20;

/** A queued job and what its earlier attempts have cost it. */
export interface PendingJob {
  readonly job: Job;
  /** Accepted, or put back after a lost container. */
  readonly waitingSince: number;
  readonly spent: Spent;
  /** Ends it at its deadline. */
  readonly deadline: Timer | null;
}

/** Counts of one moment. */
export interface Counts {
  readonly queued: number;
  /** Prompts on containers that are not draining. */
  readonly running: number;
  readonly starting: number;
  readonly busy: number;
  readonly idle: number;
}

/** What goes into a summary beside the pool's own: whether the policy's time has come, from which wait on it calls a job late, and money. */
type Asked = Pick<FleetSummary, 'due' | 'affordable' | 'price'> & { readonly lateAfterMs: number | null };

/** What the controller keeps in memory of one deployment: its queue, its containers, and what its policy remembers. */
export class Pool {
  readonly key: string;
  readonly dispatcher = new Dispatcher();
  readonly observations: Observations;
  readonly spending: Spending;
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
  /** USD per hour of one more container, when the policy was last asked; null: no price is set. */
  price: number | null = null;
  /** Starts that failed in a row, and until when no other is tried. */
  failedStarts = 0;
  backoffUntil = 0;
  lastFailure: string | null = null;
  readonly #clock: Clock;
  /** What the policy saw when it decided last. */
  #lastSummary: FleetSummary | null = null;
  /** Binds next prompts to busy containers while the policy wants that. */
  readonly #overlap: Overlap;
  readonly #onOpen: () => void;
  /** Goes off when a job has waited long enough for a busy container. */
  #look: Timer | null = null;
  /** What its containers cost now. */
  #usdPerHour = 0;
  #starting = 0;
  #draining = 0;
  #busy = 0;
  /** Prompts on containers that are not draining. */
  #running = 0;
  /** Jobs in flight summed over time up to `#accruedAt`, and how many there were since. */
  #inFlightMs = 0;
  #inFlight = 0;
  #accruedAt = 0;

  /** `onOpen`: jobs can be bound that could not before. `prior`: what is known before anything was learnt. */
  constructor(deployment: Deployment, { clock, onOpen, prior }: { clock: Clock; onOpen: () => void; prior: Partial<Prior> }) {
    this.#onOpen = onOpen;
    this.deployment = deployment;
    this.key = poolKey(deployment.name, deployment.environment);
    this.#clock = clock;
    this.spending = new Spending(clock.now());
    const serviceSeconds = deployment.scaling.slo.latencyMs / 2_000;
    this.observations = new Observations(clock.now(), { serviceSeconds, startSeconds: guessedStartSeconds, ...prior });
    const { dispatcher, observations } = this;
    const enabled = (): boolean => this.#aimsAtTarget && this.deployment.scaling.maxInputs === 1;
    this.#overlap = new Overlap({ clock, observations, dispatcher, enabled, onOpen });
  }

  get #aimsAtTarget(): boolean {
    return policies[this.deployment.scaling.policy].aimsAtTarget === true;
  }

  /** Nothing happens here any more. */
  close(): void {
    this.timer?.cancel();
    this.#look?.cancel();
    this.#overlap.close();
    for (const pending of this.jobs.values()) pending.deadline?.cancel();
  }

  /** What there is now; `busy` includes those that drain. */
  counts(): Counts {
    const { size: queued } = this.dispatcher.queue;
    const busy = this.#busy + this.#draining;
    return { queued, running: this.#running, starting: this.#starting, busy, idle: this.idle.size };
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
    this.#costs(costOf(container) - costOf(before));
    if (before) this.#count(before, -1);
    this.containers.set(container.id, container);
    this.#count(container, 1);
    const wasIdle = this.idle.has(container.id);
    const isIdle = container.state === 'ready';
    if (isIdle && (!wasIdle || before?.idleSince !== container.idleSince)) this.idle.delete(container.id);
    if (isIdle) this.idle.set(container.id, container);
    else if (wasIdle) this.idle.delete(container.id);
    if (!takesJobs(container.state)) this.dispatcher.removeContainer(container.id);
    this.#observeStart(before, container);
  }

  /** What its containers cost changes by so many USD per hour. */
  #costs(change: number): void {
    if (change === 0) return;
    this.#accrueSpending(this.#clock.now());
    this.#usdPerHour += change;
  }

  #accrueSpending(now: number): void {
    this.spending.accrue(now, { usdPerHour: this.#usdPerHour, budget: this.deployment.scaling.budget.usdPerHour });
  }

  /** Containers that its budget allows, at a price in USD per hour each; null: it has no budget. */
  affordable(now: number, price: number): Affordable | null {
    const { usdPerHour } = this.deployment.scaling.budget;
    if (usdPerHour === null) return null;
    this.#accrueSpending(now);
    return this.spending.affordable(usdPerHour, price);
  }

  /** Seconds that a job waits for the work ahead of it since money is short, see `budgetWait`; null: no hard budget is set, or no price. */
  waitForBudget(now: number, aheadSeconds: number): number | null {
    const { usdPerHour: budget, hard } = this.deployment.scaling.budget;
    if (!hard || budget === null || !this.price) return null;
    this.#accrueSpending(now);
    const { startSeconds } = this.observations;
    const work = { seconds: aheadSeconds, containers: this.alive, startSeconds };
    return budgetWait({ left: this.spending.left(budget), budget, price: this.price }, work);
  }

  #observeStart(before: Container | undefined, { id, state, startedAt, readyAt }: Container): void {
    if (!before && state === 'starting') this.observations.startBegan(id, startedAt);
    if (before?.state === 'starting' && state !== 'starting')
      this.observations.startEnded(id, readyAt ?? this.#clock.now(), { ready: readyAt !== null });
  }

  remove(id: string): void {
    const container = this.containers.get(id);
    if (!container) return;
    if (container.state === 'starting') this.observations.startEnded(id, this.#clock.now(), { ready: false });
    this.#costs(-costOf(container));
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

  /** Puts a job into the queue. `isNew`: it has just come, rather than come back. */
  queueJob(job: Omit<QueuedJob, 'behind'>, workflow: string, { isNew }: { isNew: boolean }): void {
    const { latencyMs } = this.deployment.scaling.slo;
    if (isNew) this.observations.arrived(this.#clock.now(), latencyMs);
    const behind = this.#aimsAtTarget ? this.observations.behind({ createdAt: job.createdAt, workflow }, latencyMs) : null;
    this.dispatcher.queue.add({ ...job, behind });
  }

  /** A job went to a container. Jobs of a workflow class take about as long. */
  promptBound(job: string, container: string, workflow: string): void {
    this.observations.bound(job, container, workflow, this.#clock.now());
    this.#overlap.bound(job, container);
  }

  /** The container's GPU began with it; only the first such word counts. */
  promptTaken(job: string): void {
    this.observations.taken(job, this.#clock.now());
    this.#overlap.taken(job);
  }

  /** It has ended on the container; its outputs are yet to be collected. `whole`: it ran to its end. */
  promptFreed(job: string, { whole }: { whole: boolean }): void {
    this.observations.freed(job, this.#clock.now(), { whole });
    this.#overlap.freed(job);
  }

  /** The job has left its container. `createdAt` of one that has its result; null: it failed, or will be tried again. */
  promptEnded(job: string, container: string, createdAt: number | null): void {
    const now = this.#clock.now();
    this.observations.ended(job, now, { createdAt, latencyMs: this.deployment.scaling.slo.latencyMs });
    this.#overlap.ended(job);
    this.dispatcher.jobEnded(container, now);
  }

  /** `due`: the time that the policy asked for. `lateAfterMs`: from which wait on a queued job is late; null: nobody asks. */
  summary(now: number, { due, lateAfterMs, affordable, price }: Asked): FleetSummary {
    this.accrue(now);
    const oldest = this.dispatcher.queue.oldest();
    return {
      now,
      due,
      queued: this.dispatcher.queue.size,
      running: this.#running,
      starting: this.#starting,
      busy: this.#busy,
      idleForMs: this.#idleForMs(now),
      oldestQueuedMs: oldest ? now - oldest.createdAt : null,
      late: lateAfterMs === null ? 0 : this.dispatcher.queue.countUntil(now - lateAfterMs),
      inFlightMs: this.#inFlightMs,
      affordable,
      price,
      observed: this.#aimsAtTarget ? this.#observe(now) : null,
    };
  }

  #observe(now: number): Observed {
    const { queue } = this.dispatcher;
    queue.turn(now);
    return this.observations.observe(now, { latencyMs: this.deployment.scaling.slo.latencyMs, queue: queue.all() });
  }

  /** What the policy wants its user to know; null: nothing. */
  get note(): string | null {
    const { scaling } = this.deployment;
    return (this.#lastSummary && policies[scaling.policy].note?.(this.#lastSummary, scaling, this.memory)) ?? null;
  }

  /** What its policy decided. */
  decided(summary: FleetSummary, { memory, desired, standing }: Decision): void {
    this.memory = memory;
    this.#lastSummary = summary;
    this.desired = desired;
    if (standing !== undefined) this.observations.stands(summary.now, standing);
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

  /** Binds the next job; undefined: nothing can be bound now. If time alone changes that, `onOpen` is called then. */
  next(): Assignment | undefined {
    const { dispatcher, observations } = this;
    const assignment = dispatcher.next(this.#clock.now(), observations.serviceSeconds, observations.loadMs);
    this.#look?.cancel();
    this.#look = dispatcher.lookAt === null ? null : this.#clock.at(dispatcher.lookAt, this.#onOpen);
    return assignment;
  }

  /** In one pass, as it is made for each decision. */
  #idleForMs(now: number): number[] {
    const idleForMs: number[] = [];
    for (const { idleSince } of this.idle.values()) idleForMs.push(now - (idleSince ?? now));
    return idleForMs;
  }

  #count(container: Container, sign: 1 | -1): void {
    if (container.state === 'starting') this.#starting += sign;
    if (container.state === 'busy') this.#busy += sign;
    if (container.state === 'draining') this.#draining += sign;
    if (takesJobs(container.state)) this.#running += sign * container.inFlight;
  }
}

export const poolKey = (deployment: string, environment: string): string => `${deployment}@${environment}`;

/** How long things take at a deployment, as its pool has learnt; null: there is no such pool. */
export const learntOf = (
  pools: ReadonlyMap<string, Pool>,
  { name, environment }: Pick<Deployment, 'name' | 'environment'>,
): LearntTimes | null => pools.get(poolKey(name, environment))?.observations.learnt() ?? null;

/** USD per hour. */
const costOf = (container: Container | undefined): number => (container?.usdPerHour ?? 0) * (container?.share ?? 0);
