export interface KedaSettings {
  /** Activation goes to this many at least; at 0 it sleeps. */
  readonly min: number;
  readonly cooldownMs: number;
  /** How many stay while nothing is active, below min; null: min itself, or none where that is 0. */
  readonly idle: number | null;
  /** The metric must be above it to count as activity. */
  readonly activationThreshold: number;
}

export interface Polled {
  readonly replicas: number;
  /** The last poll that saw activity; null: none did. */
  readonly lastActiveAt: number | null;
}

/**
 * One poll of KEDA, which owns the steps that an HPA does not make. Active (metric above the activation threshold): from 0, or from below
 * min where an idle count is set, to max(1, min). Not active: to 0 or to the idle count, in one step, where min is 0 or an idle count is
 * set and the last poll that saw activity is longer ago than the cooldown, or none did; else up to min. What comes and goes between two
 * polls is not seen. All other counts are the HPA's.
 */
export function poll(
  before: Polled,
  { nowMs, metric }: { readonly nowMs: number; readonly metric: number },
  { min, cooldownMs, idle, activationThreshold }: KedaSettings,
): Polled {
  const { replicas, lastActiveAt } = before;
  if (metric > activationThreshold) {
    const asleep = replicas === 0 || (idle !== null && replicas < min);
    return { replicas: asleep ? Math.max(1, min) : replicas, lastActiveAt: nowMs };
  }
  const floor = idle ?? 0;
  const maySleep = min === 0 || idle !== null;
  if (!maySleep) return { replicas: Math.max(replicas, min), lastActiveAt };
  const cooled = lastActiveAt === null || nowMs - lastActiveAt > cooldownMs;
  return { replicas: cooled ? Math.min(replicas, floor) : replicas, lastActiveAt };
}
