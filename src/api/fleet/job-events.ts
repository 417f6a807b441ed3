import { z } from 'zod';
import { jobTopic, type JobBusEvent } from '../../bus/events.ts';
import { finalStates, isFinal, type JobEvent } from '../../jobs/job.ts';
import type { ApiContext } from '../context.ts';
import { fail } from '../job-headers.ts';
import type { Api, ServerParts } from '../api.ts';
import * as schemas from '../schemas.ts';
import { lastEventId, openEventStream, type EventStream, type ServerEvent } from '../sse.ts';
import { wireTime } from '../wire.ts';
import { jobParams } from './jobs.ts';
import { ownJob } from './own-job.ts';

/** If a word on the bus was lost, the store still has the event. */
const safetyReadMs = 10_000;

/**
 * `GET /fleet/v1/jobs/{id}/events`: durable events, numbered, from the store; between them progress and previews as they happen.
 * Ends after the final event; whoever asks for what comes after that gets 204, which tells an EventSource to stop.
 */
export function addJobEventRoutes(app: Api, context: ApiContext, parts: ServerParts): void {
  app.get(
    '/fleet/v1/jobs/:id/events',
    {
      config: { access: 'invoke', tokenInQuery: true },
      schema: {
        tags: ['jobs'],
        summary: 'Events of a job, as server-sent events',
        description: 'Resumes after Last-Event-ID (or ?after=). Durable events have an id; executing, progress and preview have none.',
        params: jobParams,
        querystring: z.strictObject({ after: z.string().optional().describe('Id of the last event seen.'), token: schemas.token }),
        response: { 200: z.string().describe('text/event-stream'), 204: z.null().describe('The job has ended and all was seen') },
      },
    },
    async (request, reply) => {
      const { id } = await ownJob(context, request);
      const after = startAfter(lastEventId(request));
      const seen = await context.store.jobEvents({ job: id, after });
      if (seen.length === 0 && isFinal((await context.jobs.get(id)).state)) return reply.code(204).send(null);
      const stream = openEventStream(reply, context, parts);
      follow(context, id, after, stream);
      return reply;
    },
  );
}

function startAfter(id: string | null): number {
  if (id === null) return 0;
  return /^\d{1,15}$/.test(id) ? Number(id) : fail('Last-Event-ID', 'must be the number of an event of this job');
}

/** Durable events in order and once each: the bus says when there are new ones, the store has them. */
function follow({ bus, store, logger, clock }: ApiContext, job: string, after: number, stream: EventStream): void {
  let last = after;
  let reading = false;
  let readAgain = false;

  const send = (event: JobEvent): void => {
    last = event.seq;
    stream.send(durable(event));
    if (finalStates.some((state) => state === event.type)) stream.end();
  };
  const readStore = async (): Promise<void> => {
    readAgain = true;
    if (reading) return;
    reading = true;
    while (readAgain && !stream.ended) {
      readAgain = false;
      (await store.jobEvents({ job, after: last })).forEach(send);
    }
    reading = false;
  };
  const read = (): void => {
    readStore().catch((error: unknown) => {
      logger.warn({ event: 'stream_failed', component: 'api', job_id: job, error }, 'the events of a job could not be read');
      stream.end();
    });
  };
  const unsubscribe = bus.subscribe(jobTopic(job), ({ data }) => {
    const event = data as JobBusEvent;
    if (event.kind === 'changed') read();
    else stream.send(live(event));
  });
  const lookLater = () =>
    clock.at(clock.now() + safetyReadMs, () => {
      read();
      timer = lookLater();
    });
  let timer = lookLater();
  stream.onEnd(() => {
    timer.cancel();
    unsubscribe();
  });
  read();
}

const durable = ({ seq, type, at, job, data }: JobEvent): ServerEvent => ({
  id: String(seq),
  event: type,
  data: { ...data, job, at: wireTime(at) },
});

function live(event: Exclude<JobBusEvent, { kind: 'changed' }>): ServerEvent {
  switch (event.kind) {
    case 'executing':
      return { event: 'executing', data: { node: event.node, class_type: event.classType } };
    case 'progress':
      return { event: 'progress', data: { node: event.node, value: event.value, max: event.max } };
    case 'preview':
      return { event: 'preview', data: { node: event.node, url: `data:${event.mime};base64,${event.image.toString('base64')}` } };
  }
}
