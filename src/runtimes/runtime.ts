import type { Endpoint } from '../comfyui/runner.ts';
import type { Slot, StartPhase } from '../fleet/container.ts';

/**
 * What starts and stops containers. Implementations: emulated and process (through the host's supervisor), remote (servers that
 * already run, never started or stopped by us).
 */
export interface Runtime {
  readonly name: 'emulated' | 'process' | 'remote';
  /** Places for containers, one row for each container that fits. Fixed while the gateway runs, but for a GPU that `ready` tells of. */
  slots(): Promise<readonly Slot[]>;
  /**
   * Begins a start and returns when it is under way; phases, readiness and failure come as events. Starting an id that is
   * already there does nothing. Errors: `supervisor_failed`; `conflict` when a controller with a higher epoch was seen.
   */
  start(spec: StartSpec): Promise<void>;
  /** Ends a container: asks it to stop, kills it after `graceMs`. Settles when it is gone; an unknown id is gone. */
  stop(input: { id: string; epoch: number; graceMs: number }): Promise<void>;
  /** Containers that are there, among them those that another life of the gateway started. */
  list(): Promise<readonly RunningContainer[]>;
  /** Calls `listener` for every later event, in order, until the returned function is called. */
  subscribe(listener: (event: RuntimeEvent) => void): () => void;
  /** The container's log, oldest line first; with `follow` it goes on until the container is gone or the signal aborts. */
  logs(id: string, options: { follow: boolean; signal: AbortSignal }): AsyncIterable<LogLine>;
  /**
   * Ends the connection. `stopAll`: also stops every container it started, and the supervisor, which is killed when it does not end in time.
   * Remote ones stay.
   */
  close(options: { stopAll: boolean; graceMs: number }): Promise<void>;
}

export interface StartSpec {
  readonly id: string;
  readonly epoch: number;
  readonly slot: Slot;
  readonly deployment: string;
  readonly revision: string;
}

export interface RunningContainer {
  readonly id: string;
  readonly epoch: number;
  readonly slot: Slot;
  readonly deployment: string;
  readonly revision: string;
  readonly state: 'starting' | 'ready' | 'failed';
  readonly endpoint: Endpoint | null;
  readonly startedAt: number;
  readonly readyAt: number | null;
}

export type RuntimeEvent =
  /** A phase of the start began; the one before it ended. */
  | { type: 'phase'; id: string; phase: StartPhase; at: number; detail?: Record<string, number> }
  /** `slot`: with the GPU that its server has, which may have been down when the slots were listed. */
  | { type: 'ready'; id: string; endpoint: Endpoint; at: number; slot?: Slot }
  /** It is gone without having been asked to go. */
  | { type: 'exited'; id: string; at: number; code: 'crashed' | 'start_failed' | 'start_timeout' | 'unreachable'; message: string }
  /** Nothing is heard of the containers any more, which may all be gone together; `resumed` or `reset` follows. */
  | { type: 'interrupted'; at: number }
  /** Events go on where they broke off. */
  | { type: 'resumed'; at: number }
  /** A server that did not answer does again: a start is worth another try at once. */
  | { type: 'reachable'; at: number }
  /** The supervisor was lost and is there again: all its containers must be looked at with `list`. */
  | { type: 'reset'; at: number };

export interface LogLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr' | 'comfleet';
  readonly text: string;
}

/** What is known of jobs and starts before there was one. */
export interface Prior {
  readonly serviceSeconds: number;
  readonly startSeconds: number;
  /** Of a job beside those on the GPU, half before and half after them; left out: not known. */
  readonly outsideSeconds?: number;
}
