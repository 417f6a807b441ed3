import type { z } from 'zod';
import type { plan, PlanBody } from '../../src/api/plan-schemas.ts';
import type { deployment } from '../../src/api/schemas.ts';

/** What the fleet API answers with. */

export type Deployment = z.output<typeof deployment>;
export type PlanResult = NonNullable<z.output<typeof plan>['result']> & {
  /** Of the settings that miss the target, the best; null: there is a recommended one, or no setting at all. */
  readonly nearest: PlanRun | null;
};
export type PlanRun = NonNullable<z.output<typeof plan>['result']>['frontier'][number];
export type WirePlan = Omit<z.output<typeof plan>, 'state' | 'result'> & {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly result: PlanResult | null;
  /** NAME@ENVIRONMENT; null: made from drawn jobs, users, or a trace. */
  readonly deployment: string | null;
};
export type WorkloadName = NonNullable<PlanBody['workload']>;
/** A question as it is sent: what is left out is as the deployment has it. */
export type PlanRequest = Partial<PlanBody>;
