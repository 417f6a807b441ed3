/** Label values stay few: ids, prompts and free text never become one. */

const maxDeployments = 200;
export interface DeploymentLabels {
  readonly deployment: string;
  readonly environment: string;
}

const others: DeploymentLabels = { deployment: '_other', environment: '_other' };

/** Labels of a deployment; the first 200 keep their names, later ones share `_other`. */
export function createDeploymentLabels(): (of: DeploymentLabels) => DeploymentLabels {
  const known = new Map<string, DeploymentLabels>();
  return ({ deployment, environment }) => {
    const key = `${deployment}@${environment}`;
    const labels = known.get(key);
    if (labels) return labels;
    if (known.size >= maxDeployments) return others;
    const added = { deployment, environment };
    known.set(key, added);
    return added;
  };
}

/** First words of the fleet's reasons, and the label that stands for them. */
const reasonLabels: readonly (readonly [RegExp, string])[] = [
  [/^min_containers\b/, 'min'],
  [/^[\d.]+ in flight\b/, 'demand'],
  [/^(\d+ late|the first job)\b/, 'demand'],
  [/^\d+ queued would be late\b/, 'target'],
  [/^bursts need\b/, 'bursts'],
  [/^[\d.]+ jobs per second need\b/, 'rate'],
  [/^its next start is cheaper\b/, 'idle'],
  [/^nobody waits\b/, 'not_needed'],
  [/^panic\b/, 'panic'],
  [/^idle\b/, 'idle'],
  [/^over max_containers\b/, 'max_containers'],
  [/^the budget is spent\b/, 'budget'],
  [/^its slot is wanted\b/, 'slot_wanted'],
  [/^enough\b/, 'enough'],
  [/^[a-z][a-z_]{0,30}$/, ''],
];

/** The label of a reason in words: a fixed word, the reason itself when it is a single one, else `other`. */
export function reasonLabel(reason: string): string {
  for (const [pattern, label] of reasonLabels) if (pattern.test(reason)) return label === '' ? reason : label;
  return 'other';
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** A client can send any word as the method. */
export const methodLabel = (method: string): string => (methods.has(method) ? method : '_OTHER');

export const gpuLabel = (gpu: string | null): string => gpu ?? 'none';
