import type { Json } from '../../comfyui/protocol.ts';
import type { ScalingSettings } from './settings.ts';

/** What a policy sees of one deployment: counts, never the fleet itself. Times are milliseconds. */
export interface FleetSummary {
  readonly now: number;
  readonly queued: number;
  /** Prompts in flight on containers that are not draining. */
  readonly running: number;
  readonly starting: number;
  readonly busy: number;
  /** How long each ready container has had no prompt, longest first. */
  readonly idleForMs: readonly number[];
  readonly oldestQueuedMs: number | null;
}

/** What a policy wants. `memory` is JSON and comes back at its next decision. */
export interface Decision {
  readonly start: number;
  /** Idle containers to stop, longest idle first. */
  readonly stop: number;
  /** Containers that it wishes to have. */
  readonly desired: number;
  /** When to be asked again if nothing happens before; null: not needed. */
  readonly wakeAt: number | null;
  readonly reason: string;
  readonly memory: Json;
}

/** Decides how many containers there should be. Pure: the same arguments give the same answer. */
export interface Policy {
  readonly name: ScalingSettings['policy'];
  readonly decide: (summary: FleetSummary, settings: ScalingSettings, memory: Json) => Decision;
}
