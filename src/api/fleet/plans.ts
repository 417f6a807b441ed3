import { z } from 'zod';
import type { Api } from '../api.ts';
import type { ApiContext } from '../context.ts';
import * as planSchemas from '../plan-schemas.ts';
import * as schemas from '../schemas.ts';
import { wirePlan } from '../wire.ts';
import { planQuestion } from './plan-question.ts';

const tags = ['plans'];

/** Plans: the cheapest settings that keep a latency target, by simulation on threads of their own. For admins: they tell of everybody's jobs. */
export function addPlanRoutes(app: Api, context: ApiContext): void {
  const { plans, config } = context;
  const workspace = config.workspace.name;
  app.post(
    '/fleet/v1/plans',
    {
      schema: {
        tags,
        summary: 'Plan for a deployment, a workload, users who wait, or a trace',
        description:
          'Answers at once; ask for the plan until its state is done. One at a time; the last ones are kept while the gateway runs.',
        body: planSchemas.planBody,
        response: { 202: planSchemas.plan, default: schemas.problem },
      },
    },
    async (request, reply) => {
      const record = plans.start(workspace, await planQuestion(context, request.body));
      return reply.code(202).header('location', `/fleet/v1/plans/${record.id}`).send(wirePlan(record));
    },
  );
  app.get(
    '/fleet/v1/plans/:id',
    {
      schema: {
        tags,
        summary: 'A plan: how far it is, and its result',
        params: z.object({ id: z.string() }),
        response: { 200: planSchemas.plan, default: schemas.problem },
      },
    },
    (request) => wirePlan(plans.get(workspace, request.params.id)),
  );
}
