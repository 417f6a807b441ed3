import type { z } from 'zod';
import type { plan, PlanBody } from '../../src/api/plan-schemas.ts';
import type { deployment } from '../../src/api/schemas.ts';

/** What the fleet API answers with. */

export type Deployment = z.output<typeof deployment>;
export type WirePlan = z.output<typeof plan>;
export type PlanResult = NonNullable<WirePlan['result']>;
export type WorkloadName = NonNullable<PlanBody['workload']>;
/** A question as it is sent: what is left out is as the deployment has it. */
export type PlanRequest = Partial<PlanBody>;
