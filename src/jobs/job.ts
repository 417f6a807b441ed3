import type { Graph, Json } from '../comfyui/protocol.ts';
import type { InputFile } from '../comfyui/runner.ts';
import type { ErrorCode } from '../errors.ts';

/**
 * A job's states. `queued -> running -> succeeded | failed | canceled | expired`; a lost container leads from running back to
 * queued; a queued job can end as canceled, expired or failed. Being cancelled is the flag `cancelRequested`, not a state.
 */
export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'expired';
export type FinalState = Exclude<JobState, 'queued' | 'running'>;

export const finalStates: readonly FinalState[] = ['succeeded', 'failed', 'canceled', 'expired'];
export const isFinal = (state: JobState): state is FinalState => state !== 'queued' && state !== 'running';

export const isEnded = (job: Job): job is Job & { readonly state: FinalState } => isFinal(job.state);

/** A job is failed with `containers_lost` when so many of its containers were lost while the gateway lived. */
export const maxLostContainers = 3;

export interface JobError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly node?: string;
  readonly classType?: string;
  readonly details?: Json;
}

/** A result. Files are assets; text stands here itself. */
export interface Output {
  /** Place in the job's list, from 0. */
  readonly index: number;
  readonly node: string;
  readonly kind: 'image' | 'video' | 'audio' | 'text' | 'file';
  readonly mime: string;
  readonly filename: string;
  readonly bytes: number;
  /** Null for text, and after the output was swept. */
  readonly asset: string | null;
  readonly text?: string;
}

/** Disjoint parts of accepted-to-finished, milliseconds; they sum to it. */
export interface Timing {
  /** Waiting, without the part that a start caused. */
  readonly queue: number;
  /** The part of the wait during which the container that took the job was starting. */
  readonly cold: number;
  /** The sum of attempts, up to the end of the prompt on the container. */
  readonly run: number;
  /** From the prompt's end until the outputs were fetched from the container and safe in the store. */
  readonly store: number;
}

/** What a job used: container time of its attempts. */
export interface Usage {
  readonly containerSeconds: number;
  /** Share of a GPU, 0 to 1; 0 where there is none. */
  readonly share: number;
  readonly gpu: string | null;
  /** Null: no price set. */
  readonly usd: number | null;
}

/** A prompt as its ComfyUI client knows it. */
export interface ClientPrompt {
  /** Chosen by the client, or made for it. Not unique: the newest job answers for it. */
  readonly id: string;
  /** Whose sockets hear of it; null: nobody's. */
  readonly clientId: string | null;
  /** Kept for queue and history, and handed to the container. */
  readonly extraData: Readonly<Record<string, Json>>;
  /** Output nodes that run. */
  readonly outputs: readonly string[];
}

/** What ComfyUI's history says of a prompt, in the client's words: its prompt id, and its own names of files. */
export interface PromptHistory {
  /** UI output by node. */
  readonly outputs: Readonly<Record<string, Json>>;
  readonly meta: Readonly<Record<string, Json>>;
  readonly status: { readonly status_str: 'success' | 'error'; readonly completed: boolean; readonly messages: readonly Json[] };
}

/** What a dialect hands over: already authenticated and checked against the workflow. */
export interface JobRequest {
  readonly workspace: string;
  readonly environment: string;
  readonly deployment: string;
  readonly revision: string;
  readonly source: 'simple' | 'fleet' | 'native';
  /** Id of the caller's API key; null without keys. Fair shares go by it. */
  readonly key: string | null;
  /** Higher goes first; 0 is usual, -100 to 100. */
  readonly priority: number;
  /** Place among the jobs of its key with the same priority: smaller first. Counted by `Jobs.takeNumber`, unless a ComfyUI client chose. */
  readonly number: number;
  /** What a ComfyUI client sent beside the graph; null for other dialects. */
  readonly prompt: ClientPrompt | null;
  /** Named inputs as they were resolved, the drawn seed included; null for a client's own graph. */
  readonly inputs: Readonly<Record<string, Json>> | null;
  readonly graph: Graph;
  readonly files: readonly InputFile[];
  /** Nodes whose results are outputs, in order; empty means every output node. */
  readonly outputNodes: readonly string[];
  /** Which models the graph loads, sorted and joined; containers that hold them are preferred. */
  readonly modelKey: string;
  readonly deadlineAt: number | null;
  readonly executionTimeoutMs: number;
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
  readonly webhook: string | null;
}

export interface Job extends Omit<JobRequest, 'idempotency'> {
  readonly id: string;
  readonly state: JobState;
  readonly cancelRequested: boolean;
  readonly createdAt: number;
  /** First attempt's start. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Attempts so far, lost ones included. */
  readonly attempts: number;
  /** Containers lost under it while the gateway lived. */
  readonly lostContainers: number;
  /** Fencing token of the running attempt; rises with each. */
  readonly token: number;
  /** Container of the last attempt. */
  readonly container: string | null;
  readonly error: JobError | null;
  readonly outputs: readonly Output[];
  readonly timing: Timing | null;
  readonly usage: Usage | null;
}

/** A job without what its caller sent at length: events are kept, and graphs can have megabytes. */
export type ToldJob = Omit<Job, 'graph' | 'prompt'> & { readonly prompt: Omit<ClientPrompt, 'extraData'> | null };

/** One try of a job on one container. */
export interface Attempt {
  readonly job: string;
  readonly number: number;
  readonly token: number;
  readonly container: string;
  /** The fleet's prompt id on that container: `<job id>-<token>`. */
  readonly promptId: string;
  /** Epoch of the controller that started it. */
  readonly epoch: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: 'running' | 'succeeded' | 'failed' | 'canceled' | 'expired' | 'lost' | 'abandoned';
  /** Milliseconds of the wait before it that the container's start caused. */
  readonly coldMs: number;
}

/** Durable: few per job, numbered per job from 1. */
export interface JobEvent {
  readonly job: string;
  readonly seq: number;
  readonly at: number;
  readonly type: 'queued' | 'started' | 'requeued' | 'cancel_requested' | FinalState;
  readonly data: Readonly<Record<string, Json>>;
}

export const promptIdOf = (job: string, token: number): string => `${job}-${token}`;
