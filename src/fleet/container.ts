import type { Endpoint } from '../comfyui/runner.ts';

/**
 * A container's states: `starting -> ready <-> busy -> draining -> stopped`, or `failed` from any of the living ones. `parked` (alive
 * but off the GPU) is reserved for runtimes that can park.
 */
export type ContainerState = 'starting' | 'ready' | 'busy' | 'draining' | 'parked' | 'stopped' | 'failed';

/** Phases of a cold start, in order; a runtime skips those it has not. */
export const startPhases = ['provision', 'pull', 'process', 'imports', 'custom_nodes', 'probe', 'models', 'warmup'] as const;
export type StartPhase = (typeof startPhases)[number];

export interface PhaseRecord {
  readonly phase: StartPhase;
  readonly from: number;
  readonly to: number | null;
  /** For custom_nodes: seconds of each pack. */
  readonly detail?: Readonly<Record<string, number>>;
}

/** A place where a container can live. */
export interface Slot {
  readonly host: string;
  /** `gpu0`, `cpu`, or a URL for remote servers. */
  readonly device: string;
  /** The GPU's model by the price list's name; null on CPU. */
  readonly gpu: string | null;
  /** Share of that GPU, 0 to 1; 0 on CPU. */
  readonly share: number;
}

/** A container as it is stored and shown. */
export interface ContainerRecord extends Slot {
  readonly id: string;
  readonly workspace: string;
  readonly environment: string;
  readonly deployment: string;
  readonly revision: string;
  readonly runtime: string;
  readonly epoch: number;
  readonly state: ContainerState;
  readonly endpoint: Endpoint | null;
  /** The decision to start it. */
  readonly startedAt: number;
  readonly readyAt: number | null;
  readonly stoppedAt: number | null;
  readonly startReason: string;
  readonly stopReason: string | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly phases: readonly PhaseRecord[];
  readonly jobsDone: number;
  /** Seconds so far with at least one prompt; idle is the rest after ready. */
  readonly busySeconds: number;
  readonly usdPerHour: number | null;
}
