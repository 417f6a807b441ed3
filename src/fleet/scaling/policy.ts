import type { Json } from '../../comfyui/protocol.ts';
import type { Observed } from '../learning/observations.ts';
import type { PolicyName, ScalingSettings } from './settings.ts';

/** What a policy sees of one deployment: counts, never the fleet itself. Times are milliseconds. */
export interface FleetSummary {
  readonly now: number;
  /** The time that the policy asked for has come, and whatever else happened at this moment is in the summary. */
  readonly due: boolean;
  readonly queued: number;
  /** Prompts in flight on containers that are not draining. */
  readonly running: number;
  readonly starting: number;
  readonly busy: number;
  /** How long each ready container has had no prompt, longest first. */
  readonly idleForMs: readonly number[];
  readonly oldestQueuedMs: number | null;
  /** Queued jobs that have waited at least what the policy calls late; 0 when it calls nothing so. */
  readonly late: number;
  /** Jobs in flight (queued or running) summed over time, so that the difference of two summaries by their distance is an exact mean. */
  readonly inFlightMs: number;
  /** Containers to which the budget lets starts go, hard or not; null: no budget is set, or no price. */
  readonly affordable: number | null;
  /** USD per hour of one more container; null: no price set. */
  readonly price: number | null;
  /** For a policy that aims at the target: what was learnt, and how queue and containers go on; null for others. */
  readonly observed: Observed | null;
}

/** What a policy wants. `memory` is JSON and comes back at its next decision. */
export interface Decision {
  readonly start: number;
  /** Idle containers to stop, longest idle first. */
  readonly stop: number;
  /** Starts to give up, the latest first. */
  readonly cancel: number;
  /** Containers that it wishes to have. */
  readonly desired: number;
  /** Of those, the ones for the rate of arrivals alone, for policies that tell them apart: what is needed beyond is learnt as bursts. */
  readonly standing?: number;
  /** When to be asked again if nothing happens before; null: not needed. */
  readonly wakeAt: number | null;
  readonly reason: string;
  readonly memory: Json;
}

/** A number of a policy's own, under `policy_settings`. Durations are milliseconds here, `60s` in configuration. */
export interface PolicySetting {
  readonly default: number;
  readonly unit: 'duration' | 'number';
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

/** Decides how many containers there should be. Pure: the same arguments give the same answer. */
export interface Policy {
  readonly name: PolicyName;
  /** Its own settings, beside those that every policy has. */
  readonly settings: Readonly<Record<string, PolicySetting>>;
  /** From which wait on it calls a queued job late; absent: it does not ask. */
  readonly lateAfterMs?: (settings: ScalingSettings) => number;
  /**
   * It works towards the latency target by what the fleet learns (`summary.observed`). Then jobs that can no longer meet the target go behind
   * those that can, and the next prompt is bound to a busy container in time to hide what jobs spend outside the GPU.
   */
  readonly aimsAtTarget?: true;
  /** What its user should know beside what it does, after a decision; null: nothing. */
  readonly note?: (summary: FleetSummary, settings: ScalingSettings, memory: Json) => string | null;
  readonly decide: (summary: FleetSummary, settings: ScalingSettings, memory: Json) => Decision;
}

/** Containers that live or will, those that drain left out. */
export const aliveOf = ({ starting, busy, idleForMs }: FleetSummary): number => starting + busy + idleForMs.length;
