import type { Api, ServerParts } from '../api.ts';
import type { ApiContext } from '../context.ts';
import { addContainerRoutes } from './containers.ts';
import { addDecisionRoutes } from './decisions.ts';
import { addDeploymentRoutes } from './deployments.ts';
import { addEventRoutes } from './events.ts';
import { addHealthRoutes } from './health.ts';
import { addJobEventRoutes } from './job-events.ts';
import { addJobResultRoutes } from './job-results.ts';
import { addJobRoutes } from './jobs.ts';
import { addKeyRoutes } from './keys.ts';
import { addPlanRoutes } from './plans.ts';
import { addShadowRoutes } from './shadow.ts';
import { addTraceRoutes } from './traces.ts';
import { addUploadRoutes } from './uploads.ts';
import { addUsageRoutes } from './usage.ts';

/** The fleet dialect, `/fleet/v1/...`: one file per resource. */
export function addFleetRoutes(app: Api, context: ApiContext, parts: ServerParts): void {
  addDeploymentRoutes(app, context);
  addTraceRoutes(app, context);
  addShadowRoutes(app, context);
  addJobRoutes(app, context);
  addJobEventRoutes(app, context, parts);
  addJobResultRoutes(app, context, parts);
  addContainerRoutes(app, context, parts);
  addDecisionRoutes(app, context);
  addUsageRoutes(app, context);
  addEventRoutes(app, context, parts);
  addHealthRoutes(app, context);
  addPlanRoutes(app, context);
  addUploadRoutes(app, context);
  addKeyRoutes(app, context);
}
