/** Names of the policies, in the order of the documentation. */
export const policyNames = [
  'per-input',
  'concurrency',
  'hpa',
  'keda',
  'ongoing',
  'flash',
  'request-count',
  'queue-delay',
  'fixed',
  'slo',
] as const;
export type PolicyName = (typeof policyNames)[number];

/** Scaling settings of a deployment, with the names of the design. Durations are milliseconds here, `60s` in configuration. */
export interface ScalingSettings {
  /** Kept ready always. */
  readonly minContainers: number;
  /** The limit in force; null: none but the workspace's and the machine's. */
  readonly maxContainers: number | null;
  /** Extra ones while there is traffic. */
  readonly bufferContainers: number;
  /** An idle container above the floor goes after so long. */
  readonly scaledownWindowMs: number;
  /** Prompts that may wait or run in one container at once. */
  readonly maxInputs: number;
  /** What the policy aims at; at most maxInputs. */
  readonly targetInputs: number;
  readonly policy: PolicyName;
  /** The policy's own numbers, complete. */
  readonly policySettings: Readonly<Record<string, number>>;
  readonly slo: { readonly p: number; readonly latencyMs: number; readonly windowMs: number };
  readonly budget: { readonly usdPerHour: number | null; readonly hard: boolean };
}

export const defaultScaling: ScalingSettings = {
  minContainers: 0,
  maxContainers: null,
  bufferContainers: 0,
  scaledownWindowMs: 60_000,
  maxInputs: 1,
  targetInputs: 1,
  policy: 'per-input',
  policySettings: {},
  slo: { p: 0.95, latencyMs: 6_000, windowMs: 300_000 },
  budget: { usdPerHour: null, hard: false },
};
