import { z } from 'zod';
import { parseScaling, formatScaling } from '../../config/scaling.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import type { ApiContext } from '../context.ts';
import { pageOf } from '../pages.ts';
import * as schemas from '../schemas.ts';
import type { Api } from '../api.ts';
import { byTarget } from '../simple.ts';
import { wireDeployment } from '../wire.ts';

const params = z.object({ name: z.string().describe('NAME (of production) or NAME@ENVIRONMENT') });
const tags = ['deployments'];

const newDeployment = z.strictObject({
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be lower-case letters, digits and dashes, at most 63'),
  environment: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be lower-case letters, digits and dashes')
    .optional(),
  graph: z.record(z.string(), z.unknown()).describe('A workflow in API format.'),
  default: z.boolean().optional().describe('It serves POST / from now on.'),
  // parseScaling checks it: it knows the synonyms, and names the fix.
  scaling: z.record(z.string(), z.unknown()).optional(),
});

export function addDeploymentRoutes(app: Api, context: ApiContext): void {
  const { deployments } = context;
  const config = { access: 'invoke' } as const;

  app.get(
    '/fleet/v1/deployments',
    {
      config,
      schema: {
        tags,
        summary: 'List deployments, by name',
        querystring: z.strictObject(schemas.page(200)),
        response: { 200: schemas.listOf(schemas.deployment), default: schemas.problem },
      },
    },
    (request) => {
      const { items, next } = pageOf(deployments.list(), request.query, ({ name, environment }) => `${name}@${environment}`);
      return { items: items.map((deployment) => show(context, deployment)), next };
    },
  );
  app.get(
    '/fleet/v1/deployments/:name',
    { config, schema: { tags, summary: 'One deployment', params, response: { 200: schemas.deployment, default: schemas.problem } } },
    (request) => show(context, byTarget(context, request.params.name)),
  );
  app.get(
    '/fleet/v1/deployments/:name/scaling',
    { config, schema: { tags, summary: 'Its scaling settings', params, response: { 200: schemas.scaling, default: schemas.problem } } },
    (request) => formatScaling(byTarget(context, request.params.name).scaling) as z.infer<typeof schemas.scaling>,
  );
  addChanges(app, context);
}

function addChanges(app: Api, context: ApiContext): void {
  const { deployments, binder } = context;
  app.post(
    '/fleet/v1/deployments',
    {
      schema: {
        tags,
        summary: 'Offer a workflow, or give a deployment a new revision',
        body: newDeployment,
        response: { 200: schemas.deployment, default: schemas.problem },
      },
    },
    async (request) => {
      const { name, environment, graph, default: isDefault, scaling } = request.body;
      const workflow = await binder.readWorkflow(graph);
      const deployment = await deployments.deploy({
        name,
        workflow,
        ...(environment === undefined ? {} : { environment }),
        ...(isDefault === undefined ? {} : { default: isDefault }),
        ...(scaling === undefined ? {} : { scaling: parseScaling(scaling, scalingOf(deployments, name, environment)) }),
      });
      return show(context, deployment);
    },
  );
  app.patch(
    '/fleet/v1/deployments/:name/scaling',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Change scaling settings, live',
        description: 'Only what is given changes. Durations are texts like 60s or 5m.',
        params,
        body: z.record(z.string(), z.unknown()),
        response: { 200: schemas.deployment, default: schemas.problem },
      },
    },
    async (request) => {
      const { name, environment, scaling } = byTarget(context, request.params.name);
      return show(context, await deployments.scale(name, environment, parseScaling(request.body, scaling)));
    },
  );
}

function show({ deployments, fleet }: ApiContext, deployment: Deployment) {
  const queue = fleet.queues().find((view) => view.deployment === deployment.name && view.environment === deployment.environment);
  return wireDeployment(deployment, deployments.revision(deployment).workflow, queue ?? null);
}

/** What rules between settings are checked against: the deployment's own settings, when there is one already. */
function scalingOf(deployments: ApiContext['deployments'], name: string, environment = 'production'): Deployment['scaling'] | undefined {
  return deployments.list().find((deployment) => deployment.name === name && deployment.environment === environment)?.scaling;
}
