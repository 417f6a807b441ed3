import { changedSettings } from '../settings-change.ts';
import type { Deployment, PlanResult } from '../shapes.ts';
import { targetOf } from '../use-deployments.ts';
import { ChangeTable } from './apply-dialog.tsx';

export interface IfAppliedProps {
  readonly deployment: Deployment;
  readonly result: PlanResult;
  readonly change: Readonly<Record<string, unknown>>;
}

/** What the deployment would have, and what stands in the way of it. */
export function IfApplied({ deployment, result, change }: IfAppliedProps) {
  const changed = changedSettings(deployment.scaling, change);
  const { max_containers: most } = deployment.scaling;
  const peak = result.recommended?.peak_containers ?? 0;
  return (
    <section className="applied" aria-label="If you apply">
      <h2>If you apply</h2>
      {changed.length === 0 ? (
        <p className="hint">{targetOf(deployment)} has these settings already.</p>
      ) : (
        <ChangeTable changed={changed} />
      )}
      {most !== null && most < peak && (
        <p className="hint">
          The simulated peak is {peak} containers; {targetOf(deployment)} may have {most} (max_containers), so that its jobs wait longer
          than here.
        </p>
      )}
    </section>
  );
}
