import type { Decision, FleetSummary } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import type { Affordable } from './spending.ts';
import { earliest } from './towards.ts';

/** What bounds a decision from outside the deployment. */
export interface Bounds {
  /** Slots of the runtime that are free now. */
  readonly freeSlots: number;
  /** Shares of GPUs that the workspace may still take; null: no limit. */
  readonly gpuSharesLeft: number | null;
  /** Share of a GPU that the next container takes; 0 on CPU. */
  readonly share: number;
  /** Containers that a hard budget allows; null: there is none. */
  readonly affordable: Affordable | null;
  /** No start before this time, after failed starts; 0: none failed. */
  readonly backoffUntil: number;
}

/** The decision within all limits. */
export interface LimitedDecision {
  readonly start: number;
  /** Idle containers to stop at once. */
  readonly stop: number;
  /** Starts to give up, the latest first. */
  readonly cancel: number;
  /** Busy containers to drain: over the limit. */
  readonly drain: number;
  /** Containers after this decision. */
  readonly target: number;
  /** The limit that cut the wish, by the name of the setting or what is short; null: none did. */
  readonly heldBy: 'max_containers' | 'budget' | 'gpu_limit' | 'capacity' | 'start_failures' | null;
  readonly wakeAt: number | null;
}

/**
 * Applies every limit to a policy's decision: `max_containers` (lowering it gives up starts, stops idle containers at once and drains busy
 * ones, in this order), a hard budget in the same way, the workspace's GPU limit, the slots that are free, and the pause after failed starts. Pure.
 */
export function applyLimits(decision: Decision, summary: FleetSummary, settings: ScalingSettings, bounds: Bounds): LimitedDecision {
  const idle = summary.idleForMs.length;
  const alive = summary.starting + summary.busy + idle;
  const max = settings.maxContainers ?? Infinity;
  const { affordable } = bounds;
  const excess = Math.max(0, alive - decision.stop - decision.cancel - Math.min(max, affordable?.keep ?? Infinity));
  // Nobody has used a container that still starts.
  const given = Math.min(excess, summary.starting - decision.cancel);
  const stopped = Math.min(excess - given, idle - decision.stop);
  const [cancel, stop, drain] = [decision.cancel + given, decision.stop + stopped, excess - given - stopped];
  const left = alive - cancel - stop;

  const room = Math.max(0, max - alive);
  const byBudget = affordable === null ? Infinity : Math.max(0, affordable.start - alive);
  const byGpu = bounds.gpuSharesLeft === null || bounds.share === 0 ? Infinity : Math.floor(bounds.gpuSharesLeft / bounds.share + 1e-9);
  const paused = bounds.backoffUntil > summary.now;
  const start = paused ? 0 : Math.min(decision.start, room, byBudget, byGpu, bounds.freeSlots);
  const heldBy = heldByWhat();
  const again = paused && decision.start > 0 ? earliest(decision.wakeAt, bounds.backoffUntil) : decision.wakeAt;
  // What a budget allows changes with time alone.
  const wakeAt = affordable !== null && alive + decision.start + summary.queued > 0 ? earliest(again, summary.now + budgetLookMs) : again;
  return { start, stop, cancel, drain, target: left + start - drain, heldBy, wakeAt };

  function heldByWhat(): LimitedDecision['heldBy'] {
    if (summary.queued > 0 && alive + start >= max && summary.queued > start + summary.starting) return 'max_containers';
    // Even if the policy, which knows the budget, wishes for none.
    if (summary.queued > 0 && alive === 0 && byBudget === 0) return 'budget';
    if (start >= decision.start) return null;
    if (paused) return 'start_failures';
    if (room === start) return 'max_containers';
    if (byBudget === start) return 'budget';
    return byGpu === start ? 'gpu_limit' : 'capacity';
  }
}

/** How often a hard budget is looked at. */
const budgetLookMs = 1_000;
