import { Readable } from 'node:stream';
import { z } from 'zod';
import { parseDuration } from '../../config/duration.ts';
import type { LearntTimes } from '../../fleet/learning/observations.ts';
import { traceHead, traceLine, type TraceFormat } from '../../planning/trace-file.ts';
import { openPseudonym, recordedJobs, type RecordedJob } from '../../shadow/recorded-trace.ts';
import type { Api } from '../api.ts';
import type { ApiContext } from '../context.ts';
import { fail } from '../job-headers.ts';
import * as schemas from '../schemas.ts';
import { byTarget } from '../simple.ts';

const types: Readonly<Record<TraceFormat, string>> = { csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson' };

const moment = z.string().optional();

/** What came to a deployment, for `comfleet simulate --trace`. For admins only: it tells of everybody's jobs. */
export function addTraceRoutes(app: Api, context: ApiContext): void {
  const { store, clock, random } = context;
  app.get(
    '/fleet/v1/deployments/:name/trace',
    {
      schema: {
        tags: ['deployments'],
        summary: 'The jobs that came to it, as a trace',
        description:
          'arrival_s: seconds from `since`, or from the beginning of the deployment if that is later. service_s: seconds for which the prompt ' +
          'had the GPU, without loading models; for jobs that never ran the mean of their workflow class. user: a pseudonym of the key. What a job takes ' +
          'outside the GPU is not in it: the headers X-Comfleet-Outside-Seconds and X-Comfleet-Start-Seconds say what was learnt. CSV, ' +
          'or JSON lines for Accept: application/x-ndjson.',
        params: z.object({ name: z.string().describe('NAME (of production) or NAME@ENVIRONMENT') }),
        querystring: z.strictObject({
          since: moment.describe('A time, a day (its midnight, UTC), or how long ago, like 24h; 24h when left out'),
          until: moment.describe('Likewise; now when left out'),
          format: z.enum(['csv', 'jsonl']).optional(),
        }),
        response: { 200: z.custom<Readable>().describe('text/csv or application/x-ndjson'), default: schemas.problem },
      },
    },
    async (request, reply) => {
      const deployment = byTarget(context, request.params.name);
      const { name, environment, createdAt, scaling } = deployment;
      const { since = '24h', until = '0s', format = acceptedFormat(request.headers.accept) } = request.query;
      const now = clock.now();
      const from = Math.max(createdAt, momentOf('since', since, now));
      const to = momentOf('until', until, now);
      if (from > to) fail('since', 'must lie before until');
      const pseudonym = await openPseudonym(store, { random, clock });
      const jobs = recordedJobs(store, { deployment: name, environment, from, to }, { guessMs: scaling.slo.latencyMs / 2, pseudonym });
      return reply
        .type(types[format])
        .header('cache-control', 'no-store')
        .headers(timingOf(context.learnt(deployment)))
        .send(Readable.from(linesOf(jobs, format)));
    },
  );
}

/** What the trace itself does not say, in seconds: as headers, where it was learnt. */
function timingOf(learnt: LearntTimes | null): Record<string, string> {
  const { startMs = null, leadMs = null, afterMs = null } = learnt ?? {};
  const headers: Record<string, string> = {};
  if (startMs !== null) headers['x-comfleet-start-seconds'] = seconds(startMs);
  if (leadMs !== null || afterMs !== null) headers['x-comfleet-outside-seconds'] = seconds((leadMs ?? 0) + (afterMs ?? 0));
  return headers;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

const acceptedFormat = (accept = ''): TraceFormat => (/ndjson|jsonl/.test(accept) ? 'jsonl' : 'csv');

function momentOf(parameter: string, text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== null) return now - ago;
  // A day alone is its midnight, UTC.
  const at = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).safeParse(text);
  return at.success ? Date.parse(at.data) : fail(parameter, 'must be a time like 2030-01-31T12:00:00Z, or a duration like 24h');
}

/** Some hundred lines together: a write for each would cost more than the line. */
const linesAtOnce = 500;

async function* linesOf(jobs: AsyncIterable<RecordedJob>, format: TraceFormat): AsyncGenerator<string> {
  let text = traceHead(format);
  let lines = 0;
  for await (const { job } of jobs) {
    text += traceLine(job, format);
    if (++lines % linesAtOnce !== 0) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
