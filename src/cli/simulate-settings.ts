import { flatScaling } from '../config/flat-scaling.ts';
import { ComfleetError } from '../errors.ts';
import { defaultScaling, policyNames, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';
import type { Slo } from '../planning/summary.ts';
import { UsageError } from './failure.ts';
import { known } from './simulate-source.ts';
import { jsonOrText, pairs } from './verb.ts';

/** Scaling settings of a simulation, as the command line says them. */

const example = '--settings min_containers=1,scaledown_window=30s';

/** What policies are called elsewhere, and here. */
const elsewhere: Readonly<Record<string, string>> = {
  kpa: "Knative's is concurrency",
  knative: "Knative's is concurrency",
  modal: "Modal's is per-input",
  runpod: "RunPod's are queue-delay and request-count",
  ray: "Ray Serve's is ongoing",
  'ray-serve': "Ray Serve's is ongoing",
  kubernetes: "Kubernetes' is hpa",
};

interface GivenSettings {
  readonly policy: string;
  /** `min_containers=1,budget.usd_per_hour=5`. */
  readonly settings: string | undefined;
  readonly slo: Slo;
  readonly usdPerHour: number | null;
}

/** The settings in force. Error: usage. */
export function simulatedScaling({ policy, settings, slo, usdPerHour }: GivenSettings): ScalingSettings {
  const name = policyOf(policy);
  const given = pairs(settings === undefined ? [] : settings.split(','), example).map(([key, value]) => [key, jsonOrText(value)] as const);
  const aim = given.find(([key]) => key === 'slo' || key.startsWith('slo.'));
  if (aim) throw new UsageError(`--settings ${aim[0]}: the target has a flag of its own, --slo p95=6s`);
  const scaling = readSettings(name, Object.fromEntries(given), { ...defaultScaling, slo });
  if (scaling.budget.usdPerHour !== null && usdPerHour === null)
    throw new UsageError('--settings budget.usd_per_hour needs --price, what a GPU-hour costs');
  return scaling;
}

function policyOf(given: string): PolicyName {
  const hint = Object.hasOwn(elsewhere, given.toLowerCase()) ? elsewhere[given.toLowerCase()] : undefined;
  if (hint !== undefined) throw new UsageError(`There is no policy ${given}; ${hint}`);
  return known('policy', given, policyNames) as PolicyName;
}

/** What the fleet API calls a wrong parameter is a mistake of the command line here. */
function readSettings(policy: PolicyName, given: Readonly<Record<string, unknown>>, base: ScalingSettings): ScalingSettings {
  try {
    return flatScaling(policy, given, base);
  } catch (error) {
    if (error instanceof ComfleetError) throw new UsageError(`--settings ${error.message}`);
    throw error;
  }
}
