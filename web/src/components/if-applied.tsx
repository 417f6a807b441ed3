import { changedSettings } from '../settings-change.ts';
import type { Deployment, PlanResult } from '../shapes.ts';
import { targetOf } from '../use-deployments.ts';
import { ChangeTable } from './change-table.tsx';
import { LimitHint } from './limit-hint.tsx';

export interface IfAppliedProps {
  readonly deployment: Deployment;
  readonly result: PlanResult;
  readonly change: Readonly<Record<string, unknown>>;
}

/** What the deployment would have, and what stands in the way of it. */
export function IfApplied({ deployment, result, change }: IfAppliedProps) {
  const changed = changedSettings(deployment.scaling, change);
  return (
    <section className="applied" aria-label="If you apply">
      <h2>If you apply to {targetOf(deployment)}</h2>
      {changed.length === 0 ? (
        <p className="hint">{targetOf(deployment)} has these settings already.</p>
      ) : (
        <ChangeTable changed={changed} />
      )}
      <LimitHint deployment={deployment} result={result} />
    </section>
  );
}
