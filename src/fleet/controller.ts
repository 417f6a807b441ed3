import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { fleetTopic, publishJob, type FleetBusEvent } from '../bus/events.ts';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import type { PromptRunner } from '../comfyui/runner.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { Deployments } from '../deployments/deployments.ts';
import { ComfleetError } from '../errors.ts';
import type { AttemptListener, AttemptOutcome, Attempts } from '../jobs/attempts.ts';
import { isEnded, type FinalState, type Job, type JobError } from '../jobs/job.ts';
import { coldWait, nothingSpent, splitTiming, type Spent } from '../jobs/timing.ts';
import type { Prior, Runtime } from '../runtimes/runtime.ts';
import type { Store } from '../store/store.ts';
import { pause, type Clock, type Random, type Timer } from './clock.ts';
import { isAlive, takesJobs, type Container } from './container.ts';
import { Containers } from './containers.ts';
import { DecisionLog } from './decision-log.ts';
import { Learner } from './learner.ts';
import { workflowClass } from './learning/workflow-class.ts';
import { Pool, poolKey, type PendingJob } from './pool.ts';
import { saveMemories } from './remembering.ts';
import { RuntimeWatch } from './runtime-watch.ts';
import { Scaler } from './scaler.ts';
import type { Slots } from './slots.ts';

/** Work of containers is stored at least so often, and the lease renewed. */
const heartbeatMs = 5_000;
const leaseTtlMs = 15_000;
/** A policy runs at most once in this time, unless at a time it asked for. */
const decisionPeriodMs = 100;
/** So long a gateway that ends waits for its containers; what is left then ends with the runtime. */
const stopLimitMs = 30_000;

export interface ControllerDependencies {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly runtime: Runtime;
  readonly runner: PromptRunner;
  readonly attempts: Attempts;
  readonly deployments: Pick<Deployments, 'list' | 'subscribe' | 'learnDefinitions' | 'learnCatalogue'>;
  /** Node definitions where no container is needed to tell them; null: nobody can tell. */
  readonly definitions: () => Promise<NodeDefinitions | null>;
  readonly log: Logger;
  readonly gpuLimit: number | null;
  readonly priceOf: (gpu: string | null) => number | null;
  /** What is known of jobs and starts before there was one. */
  readonly prior: Partial<Prior>;
  /** A job reached its final state, and the store has it. */
  readonly onEnded: (job: Job) => void;
}

/**
 * The only place that acts on decisions. Events come in (a job was accepted, a container is ready, an attempt ended, a setting changed,
 * a timer went off), the dispatcher and the policies decide, and the effects go out to the runtime, the store and the containers.
 */
export class Controller {
  readonly containers: Containers;
  readonly scaler: Scaler;
  readonly slots: Slots;
  readonly learner: Learner;
  readonly pools = new Map<string, Pool>();
  readonly #deps: ControllerDependencies;
  readonly #decisions: DecisionLog;
  readonly #watch: RuntimeWatch;
  /** Pool of each job that is bound to a container. */
  readonly #bound = new Map<string, Pool>();
  readonly #endings: (() => void)[] = [];
  #heartbeat: Timer | null = null;
  #draining = false;
  #idleWaiters: (() => void)[] = [];

  constructor(deps: ControllerDependencies, slots: Slots) {
    this.#deps = deps;
    this.slots = slots;
    const { store, bus, clock, random, runtime, log, priceOf, gpuLimit } = deps;
    this.#decisions = new DecisionLog({ store, bus, log });
    this.containers = new Containers({
      store,
      bus,
      clock,
      random,
      runtime,
      slots,
      log,
      priceOf,
      onChange: (container, before, pool) => this.#containerChanged(container, before, pool),
    });
    this.scaler = new Scaler({
      clock,
      containers: this.containers,
      slots,
      periodMs: decisionPeriodMs,
      pools: () => this.pools.values(),
      priceOf,
      gpuLimit,
      onStep: (step) => this.#decisions.record(step),
    });
    this.#watch = new RuntimeWatch({
      clock,
      runtime,
      containers: this.containers,
      exited: (id, code, message) => this.#containerExited(id, code, message),
      resumed: () => this.pools.forEach((pool) => this.dispatch(pool)),
      reachable: () => this.#tryAgain(),
    });
    const ready = () => this.containers.all().find(({ state, endpoint }) => endpoint && takesJobs(state))?.endpoint ?? null;
    this.learner = new Learner({ ...deps, ready });
    for (const deployment of deps.deployments.list()) this.#addPool(deployment);
  }

  /** Takes the controller's lease; its epoch then stands on every attempt and every call to the runtime. */
  async takeLease(holder: string): Promise<void> {
    const { store, clock } = this.#deps;
    const epoch = await store.acquireLease({ name: 'controller', holder, at: clock.now(), ttlMs: leaseTtlMs, takeOver: true });
    if (epoch === null) throw new ComfleetError('data_folder_in_use', 'another gateway holds the lease of this data folder');
    this.containers.epoch = epoch;
    await this.#decisions.continueStored();
    this.#beat(holder);
  }

  /** Begins to follow the runtime and the deployments. Call after recovery. */
  start(): void {
    const { runtime, deployments } = this.#deps;
    this.#endings.push(runtime.subscribe((event) => this.#detach(this.#watch.hear(event))));
    this.#detach(this.#watch.compare());
    this.#endings.push(deployments.subscribe((deployment) => this.#deploymentChanged(deployment)));
    for (const pool of this.pools.values()) {
      this.dispatch(pool);
      this.scaler.wake(pool);
    }
  }

  /** A job was accepted and is stored. */
  accept(job: Job): void {
    publishJob(this.#deps.bus, job, 'queued');
    const pool = this.enqueue(job, { waitingSince: job.createdAt, spent: nothingSpent, isNew: true });
    if (!pool) return;
    this.dispatch(pool);
    this.scaler.wake(pool);
  }

  /** Puts a job into its queue without acting on it; undefined when its deployment is gone (the job is failed then). */
  enqueue(job: Job, { waitingSince, spent, isNew }: { waitingSince: number; spent: Spent; isNew: boolean }): Pool | undefined {
    const pool = this.pools.get(poolKey(job.deployment, job.environment));
    if (!pool) {
      this.#detach(this.#endQueued(job, 'failed', { code: 'unknown_deployment', message: `deployment ${job.deployment} is gone` }));
      return undefined;
    }
    const deadline = job.deadlineAt === null ? null : this.#deps.clock.at(job.deadlineAt, () => this.#expire(pool, job.id));
    pool.jobs.set(job.id, { job, waitingSince, spent, deadline });
    const { id, priority, number, key, modelKey, createdAt } = job;
    pool.queueJob({ id, priority, number, key, modelKey, createdAt }, workflowClass(job.graph), { isNew });
    return pool;
  }

  /** The store has noted that this job is to be cancelled; `job` is what it is now. */
  canceled(job: Job): void {
    if (!isEnded(job)) {
      publishJob(this.#deps.bus, job, 'cancel_requested');
      this.#deps.attempts.stop(job.id, 'cancel');
      return;
    }
    const pool = this.pools.get(poolKey(job.deployment, job.environment));
    if (pool && this.#unqueue(pool, job.id)) this.scaler.wake(pool);
    this.#ended(job);
  }

  /** The pool in which the job waits; undefined when it does not wait here. */
  poolOfQueued(job: Job): Pool | undefined {
    const pool = this.pools.get(poolKey(job.deployment, job.environment));
    return pool?.jobs.has(job.id) ? pool : undefined;
  }

  get running(): number {
    return this.#bound.size;
  }

  /** Is the job bound to a container now? */
  runs(job: string): boolean {
    return this.#bound.has(job);
  }

  /** Binds no more jobs; settles when none runs. Queued jobs stay in the store for the next start. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.scaler.stop();
    if (this.#bound.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    await this.#decisions.settled();
  }

  /** Ends every container, whatever it does; settles when all are gone and recorded, or when one that cannot be stopped has had its time. */
  async stopContainers(reason: string): Promise<void> {
    const { clock } = this.#deps;
    this.#draining = true;
    this.scaler.stop();
    const stops = this.containers.all().map(({ id }) => this.containers.stop(id, reason).catch(this.#logFailure));
    const gone = new AbortController();
    void Promise.all(stops).then(() => gone.abort());
    await pause(clock, stopLimitMs, gone.signal);
  }

  /** Stops following anything; call before the runtime and the store are closed. */
  async close(): Promise<void> {
    this.#draining = true;
    this.scaler.stop();
    this.#heartbeat?.cancel();
    for (const end of this.#endings) end();
    for (const pool of this.pools.values()) pool.close();
    await this.containers.close();
  }

  /** Binds waiting jobs to free places until one of both runs out. */
  dispatch(pool: Pool): void {
    if (this.#draining || this.#watch.interrupted) return;
    const { clock, attempts } = this.#deps;
    for (;;) {
      const assignment = pool.next();
      if (!assignment) return;
      const pending = pool.jobs.get(assignment.job.id) as PendingJob;
      const container = pool.containers.get(assignment.container) as Container;
      pool.jobs.delete(pending.job.id);
      pending.deadline?.cancel();
      const coldMs = coldWait(pending, container, clock.now());
      const { job, spent } = pending;
      const listener = this.listenerTo(pool, job);
      const input = { job, container, epoch: this.containers.epoch, coldMs, reason: assignment.reason, spent, listener };
      this.follow(pool, pending.job, container.id, attempts.run(input));
    }
  }

  /** What hears how far the job's prompt is. */
  listenerTo(pool: Pool, { id }: Job): AttemptListener {
    return { executing: () => pool.promptTaken(id), freed: (whole) => pool.promptFreed(id, { whole }) };
  }

  /** Counts a job on its container until its attempt ends, then acts on how it ended. */
  follow(pool: Pool, job: Job, container: string, attempt: Promise<AttemptOutcome>): void {
    const { clock, log } = this.#deps;
    this.#bound.set(job.id, pool);
    pool.promptBound(job.id, container, workflowClass(job.graph));
    this.containers.apply(container, { type: 'job_started', at: clock.now(), modelKey: job.modelKey });
    const release = (done: boolean, hasResult: boolean): void => {
      this.#bound.delete(job.id);
      pool.promptEnded(job.id, container, hasResult ? job.createdAt : null);
      this.containers.apply(container, { type: 'job_ended', at: clock.now(), done });
    };
    attempt.then(
      (outcome) => {
        release(outcome.kind === 'ended', outcome.kind === 'ended' && outcome.job.state === 'succeeded');
        this.#attemptEnded(pool, container, outcome);
      },
      (error: unknown) => {
        release(false, false);
        log.error({ event: 'attempt_failed', job_id: job.id, container_id: container, err: error }, 'an attempt ended without a result');
        this.containers.fail(container, 'internal', 'an attempt on it ended without a result');
        this.#afterAttempt(pool);
      },
    );
  }

  #attemptEnded(pool: Pool, container: string, outcome: AttemptOutcome): void {
    if (outcome.kind === 'ended') {
      if (outcome.loading) {
        pool.observations.loaded(outcome.loading.to - outcome.loading.from);
        this.containers.apply(container, { type: 'loaded', ...outcome.loading });
      }
      this.#ended(outcome.job);
    } else if (outcome.kind === 'lost') {
      if (outcome.containerBroken) this.containers.lose(container, 'container_lost', outcome.message);
      if (isEnded(outcome.job)) this.#ended(outcome.job);
      else {
        publishJob(this.#deps.bus, outcome.job, 'requeued');
        this.enqueue(outcome.job, { waitingSince: this.#deps.clock.now(), spent: outcome.spent, isNew: false });
      }
    }
    this.#afterAttempt(pool);
  }

  #afterAttempt(pool: Pool): void {
    this.dispatch(pool);
    this.scaler.wake(pool);
    this.scaler.wakeHeld();
    if (this.#bound.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #ended(job: Job & { state: FinalState }): void {
    publishJob(this.#deps.bus, job, job.state);
    this.#deps.onEnded(job);
  }

  #unqueue(pool: Pool, job: string): PendingJob | undefined {
    const pending = pool.jobs.get(job);
    if (!pending) return undefined;
    pending.deadline?.cancel();
    pool.jobs.delete(job);
    pool.dispatcher.queue.remove(job);
    return pending;
  }

  #expire(pool: Pool, id: string): void {
    const pending = this.#unqueue(pool, id);
    if (!pending) return;
    this.scaler.wake(pool);
    this.#detach(this.#endQueued(pending.job, 'expired', { code: 'expired', message: 'its deadline passed while it waited' }));
  }

  async #endQueued(job: Job, state: 'expired' | 'failed', error: JobError): Promise<void> {
    const { store, clock } = this.#deps;
    const at = clock.now();
    const done = await store.endQueued({ job: job.id, state, at, error });
    if (done) this.#ended({ ...job, state, error, finishedAt: at, timing: splitTiming(job, nothingSpent, null, at) });
  }

  #containerExited(id: string, code: string, message: string): void {
    const container = this.containers.get(id);
    if (!container) return;
    if (container.endpoint) this.#deps.runner.forget(container.endpoint);
    for (const [job, pool] of this.#bound) {
      if (pool === this.containers.poolOf(id) && this.#deps.attempts.containerOf(job) === id) this.#deps.attempts.stop(job, 'container');
    }
    this.containers.fail(id, code, message);
  }

  #containerChanged(container: Container, before: Container | null, pool: Pool): void {
    const { state } = container;
    if (state === 'ready' && before?.state !== 'ready' && before?.state !== 'busy') this.#containerReady(pool, container);
    // Those that their supervisor took with it are no failures of theirs.
    if (state === 'failed' && before?.readyAt === null && container.failure?.code !== 'crashed')
      pool.startFailed(this.#deps.clock.now(), container.failure?.message ?? null);
    const drained = state === 'draining' && container.failure === null && container.inFlight === 0;
    if (drained && before !== null && before.inFlight > 0) {
      this.#detach(this.containers.stop(container.id, container.stopReason ?? 'drained'));
    }
    if (isAlive(state)) return;
    if (before?.endpoint) this.#deps.runner.forget(before.endpoint);
    if (this.#draining) return;
    this.scaler.wake(pool);
    this.scaler.wakeHeld();
  }

  #containerReady(pool: Pool, container: Container): void {
    const { clock } = this.#deps;
    pool.startSucceeded();
    const { maxInputs } = pool.deployment.scaling;
    const { id, inFlight, modelKey, endpoint } = container;
    pool.dispatcher.addContainer({ id, maxInputs, inFlight, modelKey, at: clock.now() });
    this.dispatch(pool);
    this.scaler.wake(pool);
    if (endpoint) this.#detach(this.learner.containerReady(endpoint));
  }

  /** What made starts fail is gone. */
  #tryAgain(): void {
    for (const pool of this.pools.values()) {
      pool.backoffUntil = 0;
      this.scaler.wake(pool);
    }
  }

  #addPool(deployment: Deployment): Pool {
    const pool = new Pool(deployment, { clock: this.#deps.clock, onOpen: () => this.dispatch(pool), prior: this.#deps.prior });
    this.pools.set(pool.key, pool);
    return pool;
  }

  #deploymentChanged(deployment: Deployment): void {
    const known = this.pools.get(poolKey(deployment.name, deployment.environment));
    const pool = known ?? this.#addPool(deployment);
    const before = pool.deployment;
    pool.deployment = deployment;
    if (deployment.scaling.policy !== before.scaling.policy) pool.memory = null;
    if (deployment.scaling.maxInputs !== before.scaling.maxInputs) pool.dispatcher.setMaxInputs(deployment.scaling.maxInputs);
    const published: FleetBusEvent = { kind: 'deployment', deployment, before: known ? before : null };
    this.#deps.bus.publish(fleetTopic, published);
    this.dispatch(pool);
    this.scaler.wake(pool);
  }

  #beat(holder: string): void {
    const { clock, store } = this.#deps;
    this.#heartbeat = clock.at(clock.now() + heartbeatMs, () => {
      this.#detach(this.containers.saveWork());
      this.#detach(store.acquireLease({ name: 'controller', holder, at: clock.now(), ttlMs: leaseTtlMs }).then(() => undefined));
      this.#detach(saveMemories(store, this.pools.values(), clock.now()));
      this.#beat(holder);
    });
  }

  /** Work that nobody waits for; its failure is logged, and the next event or heartbeat tries again. */
  #detach(work: Promise<void>): void {
    work.catch(this.#logFailure);
  }

  #logFailure = (error: unknown): void => {
    this.#deps.log.error({ event: 'controller_task_failed', err: error }, 'a task of the controller failed');
  };
}
