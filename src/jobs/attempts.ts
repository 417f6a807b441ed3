import type { Logger } from 'pino';
import type { Assets } from '../assets/assets.ts';
import type { Bus } from '../bus/bus.ts';
import { jobTopic, promptsTopic, publishJob, type PromptBusEvent } from '../bus/events.ts';
import type { Endpoint, ModelLoading, Prompt, PromptEvent, PromptResult, PromptRunner, RunOptions } from '../comfyui/runner.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';
import type { Container } from '../fleet/container.ts';
import type { Store } from '../store/store.ts';
import { ClientMessages } from './client-messages.ts';
import { collectOutputs } from './collect.ts';
import { Fetcher } from './fetcher.ts';
import { promptIdOf, type Attempt, type FinalState, type Job, type JobError, type Output, type PromptHistory } from './job.ts';
import { splitTiming, usageOf, type Spent } from './timing.ts';

/** How an attempt ended, for the controller. `job` is the job as it is now. */
export type AttemptOutcome =
  | { kind: 'ended'; job: Job & { readonly state: FinalState }; loading: ModelLoading | null }
  /**
   * The attempt was lost; the job is queued again or has ended. `spent` goes into its next attempt. `containerBroken` is false when only
   * the gateway's own death lost it.
   */
  | { kind: 'lost'; job: Job; message: string; spent: Spent; containerBroken: boolean }
  /** The job was not ours any more: cancelled before it started, or recorded by someone else. */
  | { kind: 'gone' };

export interface AttemptInput {
  readonly job: Job;
  readonly container: Container;
  readonly epoch: number;
  readonly coldMs: number;
  /** Why this container, for the job's `started` event. */
  readonly reason: string;
  readonly spent: Spent;
  readonly listener: AttemptListener;
}

/** Hears how far an attempt is on its container, live. */
export interface AttemptListener {
  /** The container's executor is at the prompt: at the latest with its first node. May come again. */
  executing(): void;
  /** The prompt has ended on the container; its outputs are yet to be collected. `whole`: it ran to its end. */
  freed(whole: boolean): void;
}

type StopReason = 'cancel' | 'timeout' | 'expired' | 'container';

interface Running {
  readonly container: string;
  readonly abort: AbortController;
  reason: StopReason | null;
  readonly fetcher: Fetcher;
  /** Null unless the prompt is a ComfyUI client's. */
  readonly client: ClientMessages | null;
  readonly listener: AttemptListener;
  /** False: another life of the gateway started it, which may have heard that the GPU began. */
  readonly heardWhole: boolean;
  /** When the GPU began with the prompt, as far as that was heard. */
  takenAt: number | null;
}

interface Verdict {
  readonly state: FinalState;
  readonly outputs: Output[];
  readonly error: JobError | null;
}

interface Dependencies {
  readonly store: Store;
  readonly assets: Assets;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly runner: PromptRunner;
  readonly log: Logger;
}

/**
 * Tries of jobs on containers: an attempt is stored before the container hears of it, followed to its end, and recorded exactly once
 * (the store refuses a stale fencing token). Nothing here decides where a job runs.
 */
export class Attempts {
  readonly #deps: Dependencies;
  readonly #running = new Map<string, Running>();
  /** Asked to stop while the store was still recording the start. */
  readonly #stopEarly = new Map<string, StopReason>();

  #shuttingDown = false;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** The gateway is going: containers that it takes with it are not held against their jobs. */
  shutDown(): void {
    this.#shuttingDown = true;
  }

  /** Starts an attempt and follows it to the end. Rejects only when the store fails for good. */
  async run(input: AttemptInput): Promise<AttemptOutcome> {
    const { store, bus, clock, runner } = this.#deps;
    const { job, container, epoch, coldMs, reason } = input;
    const attempt = await store.startAttempt({ job: job.id, container: container.id, epoch, at: clock.now(), coldMs, reason });
    if (!attempt) {
      this.#stopEarly.delete(job.id);
      return { kind: 'gone' };
    }
    const started: Job = {
      ...job,
      state: 'running',
      attempts: attempt.number,
      token: attempt.token,
      container: container.id,
      startedAt: job.startedAt ?? attempt.startedAt,
    };
    publishJob(bus, started, 'started');
    const prompt: Prompt = { id: attempt.promptId, graph: job.graph, files: job.files, prefix: prefixOf(job.id), client: job.prompt };
    const following = { ...input, job: started };
    const running = this.#begin(following, attempt, { whole: true });
    return this.#follow(following, attempt, running, (endpoint, options) => runner.run(endpoint, prompt, options));
  }

  /** Goes on with an attempt that another life of the gateway started. A container that does not know the prompt has lost it. */
  async resume(input: AttemptInput, attempt: Attempt): Promise<AttemptOutcome> {
    return this.#follow(input, attempt, this.#begin(input, attempt, { whole: false }), async (endpoint, options) => {
      const result = await this.#deps.runner.resume(endpoint, promptIdOf(attempt.job, attempt.token), options);
      if (result) return result;
      throw new ComfleetError('container_lost', `container ${input.container.id} does not know the prompt any more`, { counted: false });
    });
  }

  /** Stops the job's attempt, also one whose start is being stored. Only for jobs that are bound to a container. */
  stop(job: string, reason: StopReason): void {
    const running = this.#running.get(job);
    if (!running) {
      this.#stopEarly.set(job, reason);
      return;
    }
    running.reason ??= reason;
    running.abort.abort();
  }

  /** The container that runs the job now; undefined when none does. */
  containerOf(job: string): string | undefined {
    return this.#running.get(job)?.container;
  }

  async #follow(
    input: AttemptInput,
    attempt: Attempt,
    running: Running,
    start: (endpoint: Endpoint, options: RunOptions) => Promise<PromptResult>,
  ): Promise<AttemptOutcome> {
    const { job, container } = input;
    this.#running.set(job.id, running);
    const cancelTimers = this.#armTimers(job, attempt);
    try {
      const early = job.cancelRequested ? 'cancel' : this.#stopEarly.get(job.id);
      if (early) this.stop(job.id, early);
      if (!container.endpoint) throw new ComfleetError('container_lost', `container ${container.id} has no address`);
      const onEvent = (event: PromptEvent): void => this.#hear(job.id, running, event);
      const result = await start(container.endpoint, { signal: running.abort.signal, onEvent });
      input.listener.freed(result.kind === 'succeeded');
      if (running.reason === 'container') throw new ComfleetError('container_lost', `container ${container.id} was lost`);
      return await this.#record(input, attempt, result, running);
    } catch (error) {
      if (error instanceof ComfleetError && error.code === 'container_lost') {
        running.client?.fallSilent();
        return await this.#lose(input, attempt, error);
      }
      this.#deps.log.error(
        { event: 'attempt_error', job_id: job.id, container_id: container.id, err: error },
        'an attempt failed in comfleet',
      );
      const result: PromptResult = { kind: 'failed', code: 'internal', message: 'comfleet itself failed; its log says why' };
      return await this.#record(input, attempt, result, running);
    } finally {
      cancelTimers();
      this.#running.delete(job.id);
      this.#stopEarly.delete(job.id);
    }
  }

  #begin({ job, container, listener }: AttemptInput, { promptId }: Attempt, { whole }: { whole: boolean }): Running {
    const fetcher = new Fetcher(this.#deps, container.endpoint);
    const client = job.prompt && new ClientMessages({ ...this.#deps, fetcher }, { ...job, prompt: job.prompt }, promptId);
    return {
      container: container.id,
      abort: new AbortController(),
      reason: null,
      fetcher,
      client,
      listener,
      heardWhole: whole,
      takenAt: null,
    };
  }

  async #record(input: AttemptInput, attempt: Attempt, result: PromptResult, running: Running): Promise<AttemptOutcome> {
    const { clock, store, bus } = this.#deps;
    const { job, container } = input;
    const promptEndedAt = clock.now();
    const verdict = await this.#verdict(input, result, running);
    const history = await this.#history(result, running);
    const at = clock.now();
    const spent: Spent = { coldMs: input.spent.coldMs + input.coldMs, runMs: input.spent.runMs };
    const timing = splitTiming(job, spent, { startedAt: attempt.startedAt, promptEndedAt }, at);
    const usage = usageOf(container, at - attempt.startedAt + input.spent.runMs);
    const gpuMs = gpuMsOf(running, result, promptEndedAt);
    const final = { job: job.id, token: attempt.token, at, timing, usage, gpuMs, history, ...verdict };
    const recorded = await this.#untilStored(() => store.finishAttempt(final));
    if (!recorded) return { kind: 'gone' };
    const { state, outputs, error } = verdict;
    const ended = { ...job, state, outputs, error, timing, usage, finishedAt: at };
    if (history) bus.publish(promptsTopic, { kind: 'history', job: ended, history } satisfies PromptBusEvent);
    const loading = result.kind === 'succeeded' ? result.loading : null;
    return { kind: 'ended', job: ended, loading };
  }

  async #verdict({ job }: AttemptInput, result: PromptResult, { reason, fetcher }: Running): Promise<Verdict> {
    const failed = (error: JobError): Verdict => ({ state: 'failed', outputs: [], error });
    // ComfyUI's clients may well want a prompt that only warms the cache or shows a text.
    const isClients = job.prompt !== null && result.entry?.status.status_str === 'success';
    if (result.kind === 'failed') {
      if (isClients) return { state: 'succeeded', outputs: [], error: null };
      const { kind: _kind, entry: _entry, ...error } = result;
      return failed(error);
    }
    if (result.kind === 'interrupted') return interrupted(job, reason);
    const outputs = await this.#untilStored(() => collectOutputs(fetcher, result.outputs, job.outputNodes));
    if (isClients) return { state: 'succeeded', outputs, error: null };
    if (outputs.length === 0) return failed({ code: 'no_output', message: 'the workflow ended without an output at its output nodes' });
    return { state: 'succeeded', outputs, error: null };
  }

  /** What a ComfyUI client will find in its history; whatever it was told before has gone out when this settles. */
  async #history({ kind, entry }: PromptResult, { client }: Running): Promise<PromptHistory | null> {
    await client?.settled();
    if (!client || !entry) return null;
    return this.#untilStored(() => client.history(entry, { whole: kind === 'succeeded' }));
  }

  async #lose(input: AttemptInput, attempt: Attempt, error: ComfleetError): Promise<AttemptOutcome> {
    const { clock, store } = this.#deps;
    const at = clock.now();
    const counted = error.details['counted'] !== false && !this.#shuttingDown;
    const lost = { job: input.job.id, token: attempt.token, at, reason: error.message, counted };
    const job = await this.#untilStored(() => store.loseAttempt(lost));
    if (!job) return { kind: 'gone' };
    const spent: Spent = { coldMs: input.spent.coldMs + input.coldMs, runMs: input.spent.runMs + at - attempt.startedAt };
    return { kind: 'lost', job, message: error.message, spent, containerBroken: counted };
  }

  #armTimers(job: Job, attempt: Attempt): () => void {
    const { clock } = this.#deps;
    const timers = [clock.at(attempt.startedAt + job.executionTimeoutMs, () => this.stop(job.id, 'timeout'))];
    if (job.deadlineAt !== null) timers.push(clock.at(job.deadlineAt, () => this.stop(job.id, 'expired')));
    return () => timers.forEach((timer) => timer.cancel());
  }

  #hear(job: string, running: Running, event: PromptEvent): void {
    running.client?.hear(event);
    if (event.type === 'executing') {
      running.takenAt ??= this.#deps.clock.now();
      running.listener.executing();
    }
    if (event.type === 'submitted' || event.type === 'message' || event.type === 'text') return;
    const { type, ...rest } = event;
    this.#deps.bus.publish(jobTopic(job), { kind: type, ...rest });
  }

  /** A full disk must not lose a result: tries again until the store takes it. */
  async #untilStored<T>(operation: () => Promise<T>): Promise<T> {
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        return await operation();
      } catch (error) {
        if (!isDiskTrouble(error)) throw error;
        await new Promise<void>((resolve) => this.#deps.clock.at(this.#deps.clock.now() + waitMs, resolve));
      }
    }
  }
}

/**
 * Where a container saves a job's files: under the job's id, in one folder for the jobs of about a minute (ids begin with the time). A folder
 * for each job would cost the container another file to make; a single one would grow, and ComfyUI reads the whole folder at every save.
 */
const prefixOf = (job: string): string => `${job.slice(0, 8)}/${job}`;

/** How long the prompt had the GPU, without loading models; null: its beginning was not heard. */
function gpuMsOf({ heardWhole, takenAt }: Running, result: PromptResult, endedAt: number): number | null {
  if (!heardWhole || takenAt === null) return null;
  const loading = result.kind === 'succeeded' ? result.loading : null;
  return Math.max(0, endedAt - takenAt - (loading ? loading.to - loading.from : 0));
}

function interrupted(job: Job, reason: StopReason | null): Verdict {
  const ended = (state: FinalState, code: JobError['code'], message: string) => ({ state, outputs: [], error: { code, message } });
  if (reason === 'cancel') return ended('canceled', 'canceled', 'cancelled on request');
  if (reason === 'expired') return ended('expired', 'expired', 'its deadline passed while it ran');
  if (reason === 'timeout') return ended('failed', 'timeout', `it ran longer than ${job.executionTimeoutMs / 1000} s`);
  return ended('failed', 'workflow_error', 'the prompt was interrupted on its container, not by comfleet');
}

function isDiskTrouble(error: unknown): boolean {
  if (error instanceof ComfleetError) return error.code === 'store_failed';
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EMFILE';
}
