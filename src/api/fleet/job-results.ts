import { z } from 'zod';
import { ComfleetError } from '../../errors.ts';
import { isFinal } from '../../jobs/job.ts';
import { sendResult } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { jobHeaders, maxWaitMs, preferences } from '../job-headers.ts';
import { outputAt, sendOutput } from '../outputs.ts';
import * as schemas from '../schemas.ts';
import type { Api, ServerParts } from '../api.ts';
import { jobParams } from './jobs.ts';
import { ownJob } from './own-job.ts';

const tags = ['jobs'];
const config = { access: 'invoke' } as const;
const waitWords = 'must be a number of seconds, 0 or more';
const bytes = z.unknown().describe('The bytes of the output');

/** What a job made: the first output as soon as it is there, and each by its number. */
export function addJobResultRoutes(app: Api, context: ApiContext, { lifetime }: ServerParts): void {
  app.get(
    '/fleet/v1/jobs/:id/result',
    {
      config,
      schema: {
        tags,
        summary: "Wait for a job's first output",
        description: 'Prefer: wait=N (or ?wait=N) says for how many seconds; 303 to the same place when it takes longer.',
        params: jobParams,
        querystring: z.strictObject({ wait: z.coerce.number(waitWords).min(0, waitWords).optional().describe('Seconds.') }),
        response: { 200: bytes, 303: schemas.job, default: schemas.problem },
      },
    },
    async (request, reply) => {
      const { wait } = request.query;
      const waitMs = wait === undefined ? preferences(request.headers).waitMs : Math.min(wait * 1000, maxWaitMs);
      const job = await ownJob(context, request);
      return sendResult(request, reply, { context, lifetime }, job, { waitMs, cancelOnDisconnect: false });
    },
  );
  app.get(
    '/fleet/v1/jobs/:id/outputs/:index',
    {
      config,
      schema: {
        tags,
        summary: 'The bytes of an output',
        description: 'Understands Range, If-Range and If-None-Match.',
        params: jobParams.extend({ index: z.string().regex(/^\d{1,6}$/, 'must be a whole number from 0') }),
        response: { 200: bytes, 206: bytes, default: schemas.problem },
      },
    },
    async (request, reply) => {
      const job = await ownJob(context, request);
      reply.headers(jobHeaders(job));
      if (!isFinal(job.state)) throw new ComfleetError('job_not_finished', `Job ${job.id} is ${job.state}`, { job: job.id });
      return sendOutput(request, reply, context.assets, job, outputAt(job, Number(request.params.index)));
    },
  );
}
