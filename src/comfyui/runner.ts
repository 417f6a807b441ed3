import type { Readable } from 'node:stream';
import type { ErrorCode } from '../errors.ts';
import type { FileReference, Graph, HistoryEntry, Json, NodeDefinitions } from './protocol.ts';

/** Where a container listens. */
export interface Endpoint {
  /** `http://127.0.0.1:8400`, without a slash at the end. */
  readonly url: string;
  readonly socketPath?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A file that the graph reads from the container's input folder. */
export interface InputFile {
  /** Name in the container's input folder, as the graph writes it. */
  readonly name: string;
  /** Asset that holds the bytes. */
  readonly asset: string;
  /** `[node, field]` where the graph means this file; left out: wherever its name stands, for names that nobody else would write. */
  readonly fields?: readonly (readonly [node: string, field: string])[];
}

/** One prompt for one container. */
export interface Prompt {
  /** The fleet's own prompt id: the attempt's, unique, never the client's. */
  readonly id: string;
  readonly graph: Graph;
  readonly files: readonly InputFile[];
  /** Put into every saving node's file name prefix, so that files of jobs never collide. */
  readonly prefix: string;
  /** For prompts of ComfyUI clients, who want every message; null for others. */
  readonly client: { readonly extraData: Readonly<Record<string, Json>>; readonly outputs: readonly string[] } | null;
}

/** What happens while a prompt runs. Live, not durable. */
export type PromptEvent =
  | { type: 'submitted' }
  /** The container's executor took the prompt. */
  | { type: 'executing'; node: string; classType: string }
  | { type: 'progress'; node: string; value: number; max: number }
  /** `metadata`: what the container said beside the picture, word for word; null from old servers. */
  | {
      type: 'preview';
      mime: 'image/jpeg' | 'image/png';
      image: Buffer;
      node: string | null;
      metadata: Readonly<Record<string, Json>> | null;
    }
  /** Only for prompts with `client`: what the container's socket says about the prompt, word for word, with the container's prompt id. */
  | { type: 'message'; message: ClientMessage }
  /** Only for prompts with `client`: a text that a node sends while it runs. */
  | { type: 'text'; node: string; text: string };

/** What a container says of itself beside its nodes, by its lists; null: it has no such list. */
export interface Catalogue {
  /** `/system_stats`. */
  readonly stats: Json;
  readonly features: Json;
  readonly extensions: readonly string[];
  readonly embeddings: readonly string[];
  /** Folders of models, in its order. */
  readonly models: readonly ModelFolder[];
}

export interface ModelFolder {
  readonly folder: string;
  readonly files: readonly string[];
  /** The same with sizes and times, and on how many paths they lie; null where it has no such list. */
  readonly details: readonly Json[] | null;
  readonly paths: number;
}

/** A request that is handed on as it is, and its answer. */
export interface PassedRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface PassedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/** A text frame of ComfyUI's WebSocket. */
export interface ClientMessage {
  readonly type: string;
  readonly data: Readonly<Record<string, Json>>;
}

/** An output of a finished prompt, still on the container; text has no file. */
export interface PromptOutput {
  readonly node: string;
  /** The key in the node's UI output: images, gifs, videos, audio, text, files, ... */
  readonly key: string;
  readonly file?: FileReference;
  readonly text?: string;
}

/** How a prompt loaded its models: ComfyUI does it when the first prompt needs them, not at its start. */
export interface ModelLoading {
  /** The first loader began. */
  readonly from: number;
  /** The first step of a sampler was done, or, where there is none, the last loader. */
  readonly to: number;
  /** Seconds in each class of loader. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** `entry`: what the container's history says; there for prompts with `client` and resumed ones that began on the container. */
export type PromptResult = { entry?: HistoryEntry } &
  /** `loading`: null when every model was there already, or nobody listened. */
  (
    | { kind: 'succeeded'; outputs: PromptOutput[]; loading: ModelLoading | null }
    /** The workflow's own failure: never retried. */
    | { kind: 'failed'; code: ErrorCode; message: string; node?: string; classType?: string; details?: Json }
    | { kind: 'interrupted' }
  );

/**
 * Runs prompts on containers. An implementation never trusts the socket alone: it reconciles with `/history` and `/queue`
 * when the socket is silent, drops or reopens. Throws `container_lost` (ComfleetError) when the container is gone, refuses
 * connections, or takes the prompt and does not move it.
 */
export interface PromptRunner {
  /** Uploads what is missing, submits and follows to the end. `signal` aborts: the prompt is deleted or interrupted first. */
  run(endpoint: Endpoint, prompt: Prompt, options: RunOptions): Promise<PromptResult>;
  /** Goes on with a prompt submitted before a restart; null if the container does not know it. */
  resume(endpoint: Endpoint, promptId: string, options: RunOptions): Promise<PromptResult | null>;
  /** The bytes of an output file. */
  download(endpoint: Endpoint, file: FileReference): Promise<{ stream: Readable; mime: string }>;
  /** Node definitions of the container: `/object_info`. */
  definitions(endpoint: Endpoint): Promise<NodeDefinitions>;
  /** The container's other lists. */
  catalogue(endpoint: Endpoint): Promise<Catalogue>;
  /** Hands a request to the container. */
  pass(endpoint: Endpoint, request: PassedRequest): Promise<PassedAnswer>;
  /** Closes the sockets towards a container that is gone. */
  forget(endpoint: Endpoint): void;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: PromptEvent) => void;
}
