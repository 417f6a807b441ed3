import { defaultScaling, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { formatDuration } from './duration.ts';
import { formatScaling, parseScaling } from './scaling.ts';

/** Settings that every policy has; all others are a policy's own. */
const common: ReadonlySet<string> = new Set([
  'min_containers',
  'max_containers',
  'buffer_containers',
  'scaledown_window',
  'max_inputs',
  'target_inputs',
]);

const budgetPrefix = 'budget.';

/** Settings side by side, common ones, `budget.hard` and its like, and the policy's own, as a change of settings, as the fleet API takes it. */
export function scalingChange(policy: PolicyName, flat: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(flat);
  const budget = entries.filter(([key]) => key.startsWith(budgetPrefix)).map(([key, value]) => [key.slice(budgetPrefix.length), value]);
  return {
    policy,
    ...Object.fromEntries(entries.filter(([key]) => common.has(key))),
    policy_settings: Object.fromEntries(entries.filter(([key]) => !common.has(key) && !key.startsWith(budgetPrefix))),
    ...(budget.length > 0 && { budget: Object.fromEntries(budget) as object }),
  };
}

/** The same as settings in force, the rest at its defaults. Error: `invalid_parameter`, as of `parseScaling`. */
export const flatScaling = (
  policy: PolicyName,
  flat: Readonly<Record<string, unknown>>,
  base: ScalingSettings = defaultScaling,
): ScalingSettings => ({ ...base, ...parseScaling(scalingChange(policy, flat), base) });

/**
 * A change, as the fleet API takes it, after which a deployment scales as these settings say, whatever it had before: each setting that
 * decides is named. Limits and budget stay the deployment's own.
 */
export function wholeChange(
  policy: PolicyName,
  flat: Readonly<Record<string, unknown>>,
  { p, latencyMs }: Pick<ScalingSettings['slo'], 'p' | 'latencyMs'>,
): Record<string, unknown> {
  const { max_containers: _limit, budget: _budget, ...all } = formatScaling(flatScaling(policy, flat));
  return { ...all, slo: { p, latency: formatDuration(latencyMs) } };
}
