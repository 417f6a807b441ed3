import { type Behavior, limitRate, rememberChange, stabiliseBoth } from './hpa-behavior.ts';
import { type HpaState, type Limit, remember, type Stabilised } from './hpa-state.ts';

export interface HpaSettings {
  /** AverageValue: the target is per replica. Value: the metric as a whole is held against it. */
  readonly targetType: 'AverageValue' | 'Value';
  readonly target: number;
  /** So far from 1 the ratio of metric to target may be without any change. */
  readonly tolerance: number;
  /** Without a behavior: so long the highest wish holds. */
  readonly downscaleWindowMs: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: Behavior | null;
}

export interface HpaInputs {
  readonly nowMs: number;
  /** null: the source of the metric failed. */
  readonly metric: number | null;
  /** The count that the object asks for, whoever set it. */
  readonly replicas: number;
  /** Pods that are ready; only Value asks. */
  readonly ready: number;
}

export interface Reconciled {
  /** What the metric asks for, before windows and limits; null: it was not asked. */
  readonly wish: number | null;
  readonly desired: number;
  readonly limit: Limit['limit'] | null;
  readonly stabilised: Stabilised['by'];
  readonly state: HpaState;
}

/**
 * One reconcile of Kubernetes' HPA controller (1.33) with one external metric:
 *
 *     AverageValue: ratio = metric / (target x replicas), wish = ceil(metric / target)
 *     Value:        ratio = metric / target,              wish = ceil(ratio x ready)
 *
 * and the wish is the present count while 1 - tolerance <= ratio <= 1 + tolerance. Without a behavior, the highest wish of the last
 * `downscaleWindowMs` holds (one exactly so old still counts), and a reconcile goes up to max(2 x replicas, 4) at most. With one,
 * its windows and rates hold instead. Then min and max. At 0 replicas it is off until somebody else sets another count. Metric and
 * target are whole thousandths, as there.
 */
export function reconcile(before: HpaState | null, inputs: HpaInputs, settings: HpaSettings): Reconciled {
  const { nowMs, replicas } = inputs;
  const { min, max, behavior } = settings;
  const state = before ?? { wishes: [{ at: nowMs, count: replicas }], ups: [], downs: [] };
  if (replicas === 0 && min > 0) return { wish: null, desired: 0, limit: null, stabilised: null, state };
  if (replicas > max || replicas < min) {
    // The bounds alone decide, the metric is not read; the count that was found stands for the wish.
    const desired = replicas > max ? max : min;
    return { wish: replicas, desired, limit: null, stabilised: null, state: changed(state, desired) };
  }
  const wish = wishOf(inputs, settings);
  if (wish === null) return { wish, desired: replicas, limit: null, stabilised: null, state };

  const situation = { nowMs, replicas, wish };
  const { held, by, wishes } = behavior ? stabiliseBoth(behavior, situation, state) : stabiliseDown(settings, situation, state);
  const { desired, limit } = behavior
    ? limitRate(behavior, { ...situation, wish: held }, state, settings)
    : limitStep(replicas, held, settings);
  return { wish, desired, limit, stabilised: by, state: changed({ ...state, wishes }, desired) };

  function changed(state: HpaState, desired: number): HpaState {
    return behavior === null || desired === replicas ? state : rememberChange(behavior, nowMs, desired - replicas, state);
  }
}

function wishOf({ metric, replicas, ready }: HpaInputs, { targetType, target, tolerance }: HpaSettings): number | null {
  if (metric === null) return null;
  const perReplica = targetType === 'AverageValue';
  const used = thousandths(metric);
  const aim = thousandths(target);
  const ratio = perReplica ? used / (aim * replicas) : used / aim;
  if (1 - tolerance <= ratio && ratio <= 1 + tolerance) return replicas;
  return Math.ceil(perReplica ? used / aim : ratio * ready);
}

/** Rounded up, as quantities are; 15 digits are what a decimal fraction keeps in a double. */
const thousandths = (value: number): number => Math.ceil(Number((value * 1000).toPrecision(15)));

function stabiliseDown({ downscaleWindowMs }: HpaSettings, { nowMs, wish }: { nowMs: number; wish: number }, state: HpaState): Stabilised {
  const oldestMs = nowMs - downscaleWindowMs;
  const held = state.wishes.reduce((most, { at, count }) => (at >= oldestMs ? Math.max(most, count) : most), wish);
  return { held, by: held === wish ? null : 'down', wishes: remember(state.wishes, { at: nowMs, count: wish }, oldestMs) };
}

function limitStep(replicas: number, wish: number, { min, max }: HpaSettings): Limit {
  const limit = Math.max(2 * replicas, 4);
  const most = Math.min(max, limit);
  if (wish < min) return { desired: min, limit: 'TooFewReplicas' };
  if (wish > most) return { desired: most, limit: max > limit ? 'ScaleUpLimit' : 'TooManyReplicas' };
  return { desired: wish, limit: 'DesiredWithinRange' };
}
