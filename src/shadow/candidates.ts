import { policies } from '../fleet/scaling/policies.ts';
import { defaultScaling, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';

/** Settings that a deployment could have. */
export interface Candidate {
  /** One word of a few, for programs. */
  readonly name: string;
  /** As a person names it: the policy, and what is set beside its defaults. */
  readonly label: string;
  readonly scaling: ScalingSettings;
}

/** The other policies of a replay: ours, and classic ones at their defaults. */
const others: readonly {
  readonly name: string;
  readonly label: string;
  readonly change: Partial<ScalingSettings> & Pick<ScalingSettings, 'policy'>;
}[] = [
  { name: 'slo', label: 'slo', change: { policy: 'slo' } },
  { name: 'per-input', label: 'per-input', change: { policy: 'per-input' } },
  { name: 'per-input-5m', label: 'per-input, scaledown_window=5m', change: { policy: 'per-input', scaledownWindowMs: 300_000 } },
  { name: 'concurrency', label: 'concurrency', change: { policy: 'concurrency' } },
  { name: 'request-count', label: 'request-count', change: { policy: 'request-count', scaledownWindowMs: 5_000 } },
];

/** What the deployment has, first, then what it could have instead, with the same target, limit on containers and budget. */
export function candidatesOf(scaling: ScalingSettings): [Candidate, ...Candidate[]] {
  const { slo, maxContainers, budget } = scaling;
  const base: ScalingSettings = { ...defaultScaling, slo, maxContainers, budget };
  const now: Candidate = { name: 'now', label: `${scaling.policy} as it is`, scaling };
  const instead = others.map(({ name, label, change }) => ({
    name,
    label,
    scaling: { ...base, ...change, policySettings: defaultsOf(change.policy) },
  }));
  const has = JSON.stringify(behaviour(scaling));
  return [now, ...instead.filter((candidate) => JSON.stringify(behaviour(candidate.scaling)) !== has)];
}

/** So many containers, always. */
export const fixedAt = (containers: number, { slo }: ScalingSettings): ScalingSettings => ({
  ...defaultScaling,
  slo,
  policy: 'fixed',
  minContainers: containers,
});

const defaultsOf = (policy: PolicyName): ScalingSettings['policySettings'] =>
  Object.fromEntries(Object.entries(policies[policy].settings).map(([name, setting]) => [name, setting.default]));

/** All that decides how many containers there are, in one order. */
function behaviour(scaling: ScalingSettings): unknown[] {
  const { policy, policySettings, minContainers, bufferContainers, scaledownWindowMs, maxInputs, targetInputs } = scaling;
  const own = Object.entries(policySettings).sort(([one], [other]) => (one < other ? -1 : 1));
  return [policy, own, minContainers, bufferContainers, scaledownWindowMs, maxInputs, targetInputs];
}
