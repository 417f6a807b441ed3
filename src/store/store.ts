import type { Deployment, Revision } from '../deployments/deployment.ts';
import type {
  Attempt,
  FinalState,
  Job,
  JobError,
  JobEvent,
  JobRequest,
  JobState,
  Output,
  PromptHistory,
  Timing,
  Usage,
} from '../jobs/job.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import type { Key } from '../workspaces/keys.ts';

/**
 * The truth. Every method is one whole operation: it checks, changes and records its events in a single transaction, and its
 * promise settles only after the commit is on disk. Nothing is ever held open across awaits. Times are epoch milliseconds.
 * Failures of the disk reject with `store_failed` and change nothing.
 */
export interface Store {
  /**
   * Accepts a job: the row, its first event `queued`, and the idempotency key, or none of them. With an `idempotency` that was
   * used for this deployment less than 24 h ago: the same body gives `known` with the earlier job, another body `mismatch`.
   */
  submit(input: { id: string; at: number; request: JobRequest }): Promise<Submission>;
  /** What `submit` would answer for this key and body if it is known; null: it is new, or too old, or its job was swept. */
  earlierSubmission(input: EarlierQuery): Promise<Earlier | null>;
  /** queued -> running with a new attempt and token; `reason` (why this container) stands in the `started` event. Null when the job is not queued any more, or is being cancelled. */
  startAttempt(input: {
    job: string;
    container: string;
    epoch: number;
    at: number;
    coldMs: number;
    reason: string;
  }): Promise<Attempt | null>;
  /**
   * running -> a final state: outputs, error, timing, usage, event, webhook delivery and the attempt's end, all together. False, and
   * nothing changed, when `token` is not the running attempt's: someone else has recorded or requeued it.
   */
  finishAttempt(input: AttemptResult): Promise<boolean>;
  /**
   * The container was lost. running -> queued, or -> failed (`containers_lost`) when `counted` makes it the third, or -> canceled
   * when a cancel was asked for. Null when `token` is not the running attempt's.
   */
  loseAttempt(input: { job: string; token: number; at: number; reason: string; counted: boolean }): Promise<Job | null>;
  /** A queued job ends without an attempt. False when it is not queued any more. */
  endQueued(input: { job: string; state: Exclude<FinalState, 'succeeded'>; at: number; error: JobError | null }): Promise<boolean>;
  /**
   * queued -> canceled at once; running -> `cancelRequested`. With `only`, nothing happens to a job in another state. The answer is the
   * job after that; null: unknown.
   */
  requestCancel(input: { job: string; at: number; only?: 'queued' | 'running' }): Promise<Job | null>;

  job(id: string): Promise<Job | null>;
  /** Newest first. `cursor` is the `next` of the page before. */
  jobs(filter: JobFilter): Promise<Page<Job>>;
  /**
   * The newest job that this client's prompt id stands for in the scope; null when there is none. A job that did not come from a
   * ComfyUI client has no prompt id. `listed`: it has ended, and is part of the history.
   */
  jobOfPrompt(input: PromptScope & { promptId: string }): Promise<(EndedPrompt & { readonly listed: boolean }) | null>;
  /** Unfinished jobs of ComfyUI clients, in the order of acceptance. */
  unfinishedPrompts(scope: PromptScope): Promise<Job[]>;
  /**
   * What has ended of ComfyUI clients' prompts, in the order of their ends: `limit` of them from the `offset`-th oldest on, or, with
   * `offset` null, the newest; fewer where more than one have over `maxBytes` together. Not those that were cancelled before they ran,
   * nor those that `forgetPrompts` took out.
   */
  endedPrompts(scope: PromptScope & { limit: number; offset: number | null; maxBytes: number }): Promise<EndedPrompt[]>;
  /** What has ended in [from, to] of the prompts that this client sent, in the order of their ends: the newest, if there are very many. */
  endsForClient(scope: PromptScope & { clientId: string; from: number; to: number }): Promise<EndedPrompt[]>;
  /** Takes ended prompts out of the history; the jobs stay. `promptIds` null: all of the scope. */
  forgetPrompts(scope: PromptScope & { promptIds: readonly string[] | null }): Promise<void>;
  /** Every queued and running job, oldest first, with the running attempt: what a restarted gateway begins with. */
  unfinishedJobs(): Promise<{ job: Job; attempt: Attempt | null }[]>;
  attempts(job: string): Promise<Attempt[]>;
  /** Jobs of one deployment that came in [from, to), in the order in which they came: those after `after`, the `place` of the last one of the page before. */
  arrivals(input: ArrivalWindow & { after: Arrival['place'] | null; limit: number }): Promise<Arrival[]>;
  /** How many jobs of each workflow class succeeded of those, and their mean GPU time, milliseconds. */
  gpuTimes(input: ArrivalWindow): Promise<{ workflow: string; jobs: number; meanMs: number }[]>;
  /** When the `n`-th newest of those came, counted from 1; null: they are fewer. */
  arrivalFromEnd(input: ArrivalWindow & { n: number }): Promise<number | null>;
  /** Durable events of a job with a number above `after`, in order. */
  jobEvents(input: { job: string; after: number }): Promise<JobEvent[]>;

  /** Writes a deployment and the revision it serves. With `default`, every other deployment of the environment loses it. */
  saveDeployment(input: { deployment: Deployment; revision: Revision | null }): Promise<void>;
  deployments(): Promise<Deployment[]>;
  revision(id: string): Promise<Revision | null>;

  /** Writes a container's row by its id; one with a higher epoch wins over a lower one. */
  saveContainer(container: ContainerRecord): Promise<void>;
  /** Newest first, and by id among those that started together; `alive` leaves out stopped and failed ones, `before` what stands before it. */
  containers(filter: ContainerFilter): Promise<ContainerRecord[]>;
  /** Container-seconds and money by deployment of containers that lived in [from, to); with `of`, of that deployment's. */
  usage(input: { from: number; to: number; of?: { deployment: string; environment: string } }): Promise<UsageRow[]>;

  /** Keeps a decision under its `seq`, or under the next free one when a decision with that or a higher one is there already. */
  recordDecision(decision: DecisionRecord): Promise<void>;
  /** Newest first. `before`: only those with a lower `seq`. */
  decisions(filter: { deployment?: string; before?: number; limit: number }): Promise<DecisionRecord[]>;

  saveKey(key: Key): Promise<void>;
  keys(): Promise<Key[]>;

  /**
   * Takes or renews the lease `name`. A free or expired lease, or a new holder after expiry, gets the next epoch; the holder
   * keeps its epoch; anyone else gets null. `takeOver`: the caller has proof that the holder is dead (it owns the data folder's lock).
   */
  acquireLease(input: { name: string; holder: string; at: number; ttlMs: number; takeOver?: boolean }): Promise<number | null>;

  /** Webhook deliveries due at `at` and not done, oldest first. */
  dueDeliveries(input: { at: number; limit: number }): Promise<Delivery[]>;
  saveDelivery(delivery: Delivery): Promise<void>;
  deliveries(job: string): Promise<Delivery[]>;

  /** Notes that an asset was uploaded (or used again), so that the sweeper knows its age. */
  touchAsset(input: { id: string; bytes: number; kind: 'upload' | 'output' | 'workflow'; at: number }): Promise<void>;
  /**
   * Deletes finished jobs older than `jobsBefore`, forgets outputs of jobs finished before `outputsBefore` and uploads last used
   * before `uploadsBefore`, expired idempotency keys, and decisions and stopped containers older than `jobsBefore`. At most `limit`
   * jobs a call. The answer names assets that nothing refers to any more, whose files may go, and whether more is left.
   */
  sweep(input: {
    at: number;
    jobsBefore: number;
    outputsBefore: number;
    uploadsBefore: number;
    limit: number;
  }): Promise<{ jobs: number; assets: string[]; more: boolean }>;

  /**
   * Gives outputs the names by which ComfyUI clients know them: `<stem>_<five digits>_<extension>`, counted in the caller's folder from
   * the highest number on. An output that has a name already (same job, node, key and index) keeps it and gets the new bytes.
   */
  nameOutputs(input: { caller: Caller; job: string; at: number; outputs: readonly UnnamedOutput[] }): Promise<NamedFile[]>;
  /**
   * Notes an upload under its name. Taken by equal bytes: the same file; by others: `name (1).ext` and so on, or, with `overwrite`,
   * replaced. The asset must be stored already; its age is noted too.
   */
  nameUpload(input: { caller: Caller; file: NamedFile; overwrite: boolean; at: number }): Promise<NamedFile>;
  /** The file of that name in the caller's folders (`caller` null: the newest of anybody's); null when there is none. */
  namedFile(input: { caller: Caller | null } & FileName): Promise<NamedFile | null>;
  /** Names in one of the caller's folders, without those in its subfolders: sorted, or the newest first. */
  fileNames(input: { caller: Caller; type: FileName['type']; subfolder: string; newestFirst?: boolean }): Promise<string[]>;

  /** Small JSON documents by name: node definitions last reported by a runtime, the webhook secret, learnt figures. */
  document(name: string): Promise<unknown>;
  /** `value` null: there is none any more. */
  saveDocument(input: { name: string; value: unknown; at: number }): Promise<void>;

  close(): Promise<void>;

  /** Why the disk did not take the last write; null when it did. From memory. */
  trouble(): string | null;
}

export type Submission = { kind: 'accepted'; job: Job } | Earlier;
/** The job that an Idempotency-Key stands for: made from the same body, or from another. */
export type Earlier = { kind: 'known'; job: Job } | { kind: 'mismatch'; job: string };

/** Where an Idempotency-Key holds, and the body that came with it. `key` is the caller's API key. */
export interface EarlierQuery extends Pick<JobRequest, 'workspace' | 'environment' | 'deployment' | 'key'> {
  readonly at: number;
  readonly idempotency: NonNullable<JobRequest['idempotency']>;
}

export interface AttemptResult {
  readonly job: string;
  readonly token: number;
  readonly at: number;
  readonly state: FinalState;
  readonly outputs: readonly Output[];
  readonly error: JobError | null;
  /** For prompts of ComfyUI clients. */
  readonly history: PromptHistory | null;
  readonly timing: Timing;
  readonly usage: Usage;
  /** Milliseconds for which the prompt had the GPU, without loading models; null: that was not heard. */
  readonly gpuMs: number | null;
}

/** Jobs of one deployment that came in [from, to). */
export interface ArrivalWindow {
  readonly deployment: string;
  readonly environment: string;
  readonly from: number;
  readonly to: number;
}

/** A job as a trace tells it. */
export interface Arrival {
  readonly place: { readonly at: number; readonly num: number };
  readonly at: number;
  /** As in `AttemptResult`; where it was not heard, the run time of a job that succeeded at once; null: neither is known. */
  readonly gpuMs: number | null;
  /** See `workflowClass`; empty: an earlier comfleet stored it. */
  readonly workflow: string;
  readonly modelKey: string;
  /** Id of the caller's key. */
  readonly key: string | null;
  readonly state: JobState;
  readonly finishedAt: number | null;
}

/** Whose prompts and files: those of a key; null: of whoever needs none. */
export interface Caller {
  readonly workspace: string;
  readonly key: string | null;
}

/** Prompts of one deployment; `caller` null: everybody's. */
export interface PromptScope {
  readonly caller: Caller | null;
  readonly deployment: string;
  readonly environment: string;
}

/** A prompt that has ended; `history` is what the container said, null when the job ended without its word. */
export interface EndedPrompt {
  readonly job: Job;
  readonly history: PromptHistory | null;
}

/** A file as ComfyUI names it: in a folder by type, perhaps in a subfolder (empty: at the top). */
export interface FileName {
  readonly type: 'input' | 'output' | 'temp';
  readonly subfolder: string;
  readonly filename: string;
}

/** A file in a caller's folders. */
export interface NamedFile extends FileName {
  readonly asset: string;
  readonly mime: string;
  readonly bytes: number;
}

export interface UnnamedOutput extends Omit<NamedFile, 'filename'> {
  readonly node: string;
  /** The key in the node's UI output, and the place in its list. */
  readonly key: string;
  readonly index: number;
  /** What is counted by; `%batch_num%` in it is shown as the index. */
  readonly stem: string;
  /** With the dot. */
  readonly extension: string;
}

export interface JobFilter {
  readonly deployment?: string;
  readonly state?: JobState;
  readonly key?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly alive?: boolean;
  readonly deployment?: string;
  /** The last container of the page before. */
  readonly before?: { readonly startedAt: number; readonly id: string };
  readonly limit: number;
}

export interface Page<T> {
  readonly items: T[];
  readonly next: string | null;
}

export interface UsageRow {
  readonly deployment: string;
  readonly gpu: string | null;
  readonly startingSeconds: number;
  readonly busySeconds: number;
  readonly idleSeconds: number;
  /** Null when no price was set for any of it. */
  readonly usd: number | null;
}

/** One line of the decision log: enough to replay it to the same bytes. */
export interface DecisionRecord {
  readonly seq: number;
  readonly at: number;
  readonly deployment: string;
  readonly environment: string;
  readonly kind: 'scale' | 'dispatch';
  readonly reason: string;
  /** For scale: the summary, the settings, memory before, and the decision. For dispatch: job, container, why. */
  readonly data: Readonly<Record<string, unknown>>;
  /** SHA-256 of the canonical JSON of `data`. */
  readonly hash: string;
}

/** A webhook call in the outbox. */
export interface Delivery {
  /** The `webhook-id`: same on every try. */
  readonly id: string;
  readonly job: string;
  readonly url: string;
  readonly event: string;
  readonly state: 'pending' | 'delivered' | 'dead';
  readonly tries: number;
  readonly nextAt: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly createdAt: number;
}
