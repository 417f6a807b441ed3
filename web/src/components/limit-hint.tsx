import type { Deployment, PlanResult } from '../shapes.ts';
import { targetOf } from '../use-deployments.ts';

/** What stands in the way of the simulated figures: the deployment's own limit. */
export function LimitHint({ deployment, result }: { deployment: Deployment; result: PlanResult }) {
  const { max_containers: most } = deployment.scaling;
  const peak = result.recommended?.peak_containers ?? 0;
  if (most === null || most >= peak) return null;
  return (
    <p className="hint">
      The simulated peak is {peak} containers; {targetOf(deployment)} may have {most} (max_containers), so that its jobs wait longer than
      here.
    </p>
  );
}
