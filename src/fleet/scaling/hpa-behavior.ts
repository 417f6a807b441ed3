import { type Change, type HpaState, type Limit, remember, type Stabilised } from './hpa-state.ts';

/** How an HPA's `behavior` steers one direction. */
export interface ScalingRules {
  readonly windowMs: number;
  /** Which of the policies holds: the one that allows most, or least; Disabled: this direction is shut. */
  readonly select: 'Max' | 'Min' | 'Disabled';
  /** How much may change within a period: pods, or percent of the count at its start. */
  readonly policies: readonly { readonly type: 'Pods' | 'Percent'; readonly value: number; readonly periodMs: number }[];
}

export interface Behavior {
  readonly up: ScalingRules;
  readonly down: ScalingRules;
}

interface Situation {
  readonly nowMs: number;
  readonly replicas: number;
  readonly wish: number;
}

/**
 * The wish within both windows: not more than the lowest wish of the up window, not less than the highest of the down window, and the
 * present count where it lies between them. A wish exactly as old as its window counts no more.
 */
export function stabiliseBoth({ up, down }: Behavior, { nowMs, replicas, wish }: Situation, state: HpaState): Stabilised {
  const within = (windowMs: number): number[] => state.wishes.filter(({ at }) => at > nowMs - windowMs).map(({ count }) => count);
  const atLeast = Math.min(wish, ...within(up.windowMs));
  const atMost = Math.max(wish, ...within(down.windowMs));
  const held = Math.min(Math.max(replicas, atLeast), atMost);
  const oldestMs = nowMs - Math.max(up.windowMs, down.windowMs);
  const by = wish >= replicas ? 'up' : 'down';
  return { held, by: held === wish ? null : by, wishes: remember(state.wishes, { at: nowMs, count: wish }, oldestMs) };
}

/** The wish within the rates of its direction, and within min and max. */
export function limitRate(
  { up, down }: Behavior,
  { nowMs, replicas, wish }: Situation,
  state: HpaState,
  { min, max }: { readonly min: number; readonly max: number },
): Limit {
  if (wish > replicas) {
    const limit = Math.max(replicas, highestAllowed(up, startOf));
    const most = Math.min(max, limit);
    if (wish > most) return { desired: most, limit: max > limit ? 'ScaleUpLimit' : 'TooManyReplicas' };
  } else if (wish < replicas) {
    const limit = Math.min(replicas, lowestAllowed(down, startOf));
    const least = Math.max(min, limit);
    if (wish < least) return { desired: least, limit: min < limit ? 'ScaleDownLimit' : 'TooFewReplicas' };
  }
  return { desired: wish, limit: 'DesiredWithinRange' };

  /** The count when the period began: what was added since is taken off, what went is put back. */
  function startOf(periodMs: number | null): number {
    if (periodMs === null) return replicas;
    const since = (changes: readonly Change[]): number =>
      changes.reduce((sum, { at, count }) => (at > nowMs - periodMs ? sum + count : sum), 0);
    return replicas - since(state.ups) + since(state.downs);
  }
}

type StartOf = (periodMs: number | null) => number;

function highestAllowed({ select, policies }: ScalingRules, startOf: StartOf): number {
  if (select === 'Disabled') return startOf(null);
  const allowed = policies.map(({ type, value, periodMs }) => {
    const start = startOf(periodMs);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return select === 'Min' ? Math.min(...allowed) : Math.max(...allowed);
}

function lowestAllowed({ select, policies }: ScalingRules, startOf: StartOf): number {
  if (select === 'Disabled') return startOf(null);
  const allowed = policies.map(({ type, value, periodMs }) => {
    const start = startOf(periodMs);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return select === 'Min' ? Math.max(...allowed) : Math.min(...allowed);
}

/** Keeps a change of the count, which only the rates ask for. */
export function rememberChange({ up, down }: Behavior, nowMs: number, change: number, state: HpaState): HpaState {
  const oldestMs = ({ policies }: ScalingRules): number => nowMs - Math.max(0, ...policies.map(({ periodMs }) => periodMs));
  if (change > 0) return { ...state, ups: remember(state.ups, { at: nowMs, count: change }, oldestMs(up)) };
  return { ...state, downs: remember(state.downs, { at: nowMs, count: -change }, oldestMs(down)) };
}
