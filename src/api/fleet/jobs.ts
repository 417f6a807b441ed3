import { z } from 'zod';
import { ComfleetError } from '../../errors.ts';
import { sendAccepted, sendJob } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { parseDeadline, parsePriority, parseWebhook } from '../job-headers.ts';
import * as schemas from '../schemas.ts';
import type { Api } from '../api.ts';
import { byTarget } from '../simple.ts';
import { submitJob } from '../submit.ts';
import { wireAttempt, wireDelivery, wireJob } from '../wire.ts';
import { ownJob } from './own-job.ts';

export const jobParams = z.object({ id: z.string() });
const tags = ['jobs'];
const config = { access: 'invoke' } as const;
const one = { 200: schemas.job, default: schemas.problem };

const newJob = z.strictObject({
  deployment: z.string().optional().describe('NAME or NAME@ENVIRONMENT; the default deployment when left out.'),
  inputs: z.record(z.string(), z.unknown()).optional().describe('Named inputs of its workflow.'),
  graph: z.record(z.string(), z.unknown()).optional().describe("A graph of the client's own, in API format, while open_graphs is on."),
  priority: z.int().min(-100).max(100).optional(),
  deadline: z
    .union([z.string(), z.number()], 'must be a time like 2030-01-31T12:00:00Z, or seconds from now')
    .optional()
    .describe('RFC 3339, or seconds from now.'),
  webhook: z.string().optional().describe('Called when the job ends.'),
});

const jobFilter = z.strictObject({
  deployment: z.string().optional(),
  state: schemas.jobState.optional(),
  key: z.string().optional().describe('Id of the API key that submitted it.'),
  ...schemas.page(50),
});

export function addJobRoutes(app: Api, context: ApiContext): void {
  addSubmission(app, context);
  app.get(
    '/fleet/v1/jobs',
    {
      config,
      schema: {
        tags,
        summary: 'List jobs, newest first',
        querystring: jobFilter,
        response: { 200: schemas.listOf(schemas.job), default: schemas.problem },
      },
    },
    async (request) => {
      const { deployment, state, limit, cursor } = request.query;
      const { role } = request.principal;
      const key = role === 'admin' ? request.query.key : (request.principal.key ?? undefined);
      const page = await context.store.jobs({
        limit,
        ...(deployment === undefined ? {} : { deployment }),
        ...(state === undefined ? {} : { state }),
        ...(key === undefined ? {} : { key }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return {
        items: page.items.map((job) => wireJob(job, job.state === 'queued' ? context.fleet.waitingFor(job.id) : null)),
        next: page.next,
      };
    },
  );
  app.get(
    '/fleet/v1/jobs/:id',
    { config, schema: { tags, summary: 'One job', params: jobParams, response: one } },
    async (request, reply) => sendJob(reply, context, await ownJob(context, request)),
  );
  addCancel(app, context);
  addHistory(app, context);
}

function addSubmission(app: Api, context: ApiContext): void {
  app.post(
    '/fleet/v1/jobs',
    {
      config,
      schema: {
        tags,
        summary: 'Submit a job',
        description: 'Answers at once with 202. Idempotency-Key works as everywhere.',
        body: newJob,
        response: { 202: schemas.job, default: schemas.problem },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const { graph, inputs } = body;
      if (graph !== undefined && inputs !== undefined) {
        throw new ComfleetError('invalid_parameter', 'inputs, graph: send inputs for the deployment, or a graph of your own, not both');
      }
      const now = context.clock.now();
      const deployment = body.deployment === undefined ? context.deployments.get(null) : byTarget(context, body.deployment);
      const options = {
        priority: body.priority === undefined ? 0 : parsePriority(body.priority, 'priority'),
        deadlineAt: body.deadline === undefined ? null : parseDeadline(body.deadline, now, 'deadline'),
        webhook: body.webhook === undefined ? null : parseWebhook(body.webhook, 'webhook'),
      };
      const work = async () => (graph === undefined ? { inputs: inputs ?? {} } : { graph });
      const { job, replay } = await submitJob(context, request, { deployment, source: 'fleet', work, options });
      if (replay) reply.header('idempotency-replayed', 'true');
      return sendAccepted(reply, context, job);
    },
  );
}

function addCancel(app: Api, context: ApiContext): void {
  const schema = { tags, summary: 'Cancel a job in whatever state it is', params: jobParams, response: one };
  const routes = [
    { method: 'POST', url: '/fleet/v1/jobs/:id/cancel' },
    { method: 'DELETE', url: '/fleet/v1/jobs/:id' },
  ] as const;
  for (const route of routes) {
    app.route({
      ...route,
      config,
      schema,
      handler: async (request, reply) => {
        const { id } = await ownJob(context, request);
        return sendJob(reply, context, await context.jobs.cancel(id));
      },
    });
  }
}

function addHistory(app: Api, context: ApiContext): void {
  app.get(
    '/fleet/v1/jobs/:id/attempts',
    {
      config,
      schema: {
        tags,
        summary: 'Tries of a job on containers',
        params: jobParams,
        response: { 200: schemas.listOf(schemas.attempt), default: schemas.problem },
      },
    },
    async (request) => {
      const { id } = await ownJob(context, request);
      return { items: (await context.store.attempts(id)).map(wireAttempt), next: null };
    },
  );
  const deliveries = { params: jobParams, response: { 200: schemas.listOf(schemas.delivery), default: schemas.problem } };
  app.get('/fleet/v1/jobs/:id/webhook', { config, schema: { tags, summary: 'Calls of its webhook', ...deliveries } }, async (request) => {
    const { id } = await ownJob(context, request);
    return { items: (await context.store.deliveries(id)).map(wireDelivery), next: null };
  });
  app.post(
    '/fleet/v1/jobs/:id/webhook/replay',
    { config, schema: { tags, summary: 'Call its webhook again', ...deliveries } },
    async (request) => {
      const { id } = await ownJob(context, request);
      return { items: (await context.webhooks.replay(id)).map(wireDelivery), next: null };
    },
  );
}
