import { z } from 'zod';
import type { Api } from '../api.ts';
import type { ApiContext } from '../context.ts';
import * as planSchemas from '../plan-schemas.ts';
import * as schemas from '../schemas.ts';
import { wirePlan } from '../wire.ts';
import { planQuestion } from './plan-question.ts';

const tags = ['plans'];
const params = z.object({ id: z.string() });

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
      const { question, deployment } = await planQuestion(context, request.body);
      const record = plans.start(workspace, question, deployment);
      return reply.code(202).header('location', `/fleet/v1/plans/${record.id}`).send(wirePlan(record));
    },
  );
  app.get(
    '/fleet/v1/plans/:id',
    {
      schema: {
        tags,
        summary: 'A plan: how far it is, and its result',
        params,
        response: { 200: planSchemas.plan, default: schemas.problem },
      },
    },
    (request) => wirePlan(plans.get(workspace, request.params.id)),
  );
  app.delete(
    '/fleet/v1/plans/:id',
    {
      schema: {
        tags,
        summary: 'Cancel a plan that runs, or forget one that does not',
        description: 'One that runs is then cancelled, and answered when its simulations have ended: another one can be asked for at once.',
        params,
        response: { 204: z.null().describe('It does not run any more'), default: schemas.problem },
      },
    },
    async (request, reply) => {
      await plans.remove(workspace, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
