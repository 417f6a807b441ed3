import type { ContainerRecord, Slot } from './container.ts';

/** What the API shows of the fleet: the controller's view of this moment, from memory. */
export interface Fleet {
  /** Living containers, oldest first. */
  containers(): readonly ContainerRecord[];
  /** Places for containers, taken or free. */
  slots(): readonly Slot[];
  /** Per deployment, by `name@environment`. */
  queues(): readonly QueueView[];
  /** Why this queued job waits, in words; null when it is not queued here. */
  waitingFor(job: string): string | null;
  readonly runtime: {
    readonly name: 'emulated' | 'process' | 'remote';
    readonly capacity: number;
    readonly ready: boolean;
    readonly note: string | null;
  };
  /** Cost per minute now by deployment and use of the container; `usdPerMinute` is null without a price. */
  cost(): readonly CostView[];
  /** Ends one container: drains it, or kills it with `force`. Error: `unknown_container`. */
  stopContainer(id: string, options: { force: boolean; reason: string }): Promise<void>;
}

export interface QueueView {
  readonly deployment: string;
  readonly environment: string;
  readonly queued: number;
  readonly running: number;
  readonly oldestQueuedAt: number | null;
  /** Containers that the policy wishes for, before limits. */
  readonly desired: number;
  /** The same within all limits. */
  readonly target: number;
  /** The limit that holds it back, in words of the settings; null: nothing. */
  readonly heldBy: string | null;
  /** What the policy wants its user to know; null: nothing. */
  readonly note: string | null;
}

export interface CostView {
  readonly deployment: string;
  readonly gpu: string | null;
  readonly busy: number;
  readonly starting: number;
  readonly idle: number;
  readonly usdPerMinute: { readonly busy: number; readonly starting: number; readonly idle: number } | null;
}
