import { z } from 'zod';
import { fleetTopic, type FleetBusEvent } from '../../bus/events.ts';
import type { BusEvent } from '../../bus/bus.ts';
import type { ApiContext } from '../context.ts';
import type { Api, ServerParts } from '../api.ts';
import * as schemas from '../schemas.ts';
import { lastEventId, openEventStream, type ServerEvent } from '../sse.ts';
import { wireContainer, wireDecision, wireDeployment, wireJob } from '../wire.ts';

/**
 * `GET /fleet/v1/events`: what happens in the fleet, live. Ids are `RUN-NUMBER`, since numbers begin anew with each life of the gateway.
 * Where the stream cannot go on without a gap (also at its beginning) it says `reset`: read the lists, then apply what follows.
 */
export function addEventRoutes(app: Api, context: ApiContext, parts: ServerParts): void {
  const run = context.random.id();
  app.get(
    '/fleet/v1/events',
    {
      config: { tokenInQuery: true },
      schema: {
        tags: ['events'],
        summary: 'Events of the fleet, as server-sent events',
        description: 'container, job, decision, deployment; and reset, when everything has to be read again. Resumes after Last-Event-ID.',
        querystring: z.strictObject({ after: z.string().optional().describe('Id of the last event seen.'), token: schemas.token }),
        response: { 200: z.string().describe('text/event-stream') },
      },
    },
    async (request, reply) => {
      const after = numberIn(run, lastEventId(request));
      const stream = openEventStream(reply, context, parts);
      const send = (event: BusEvent): void =>
        stream.send({ id: `${run}-${event.seq}`, ...wireEvent(context, event.data as FleetBusEvent) });
      const past = after === null ? null : context.bus.since(fleetTopic, after);
      if (past?.complete) past.events.forEach(send);
      else stream.send({ event: 'reset', data: {} });
      stream.onEnd(context.bus.subscribe(fleetTopic, send));
      return reply;
    },
  );
}

/** Null: an id of another life of the gateway, or none at all. */
function numberIn(run: string, id: string | null): number | null {
  if (id === null || !id.startsWith(`${run}-`)) return null;
  const number = id.slice(run.length + 1);
  return /^\d{1,15}$/.test(number) ? Number(number) : null;
}

function wireEvent({ clock, fleet, deployments }: ApiContext, event: FleetBusEvent): ServerEvent {
  switch (event.kind) {
    case 'container':
      return { event: 'container', data: { ...wireContainer(event.container, clock.now()), in_flight: event.inFlight } };
    case 'job':
      // What users wrote belongs to the job's own page, not to everybody's live view.
      return { event: 'job', data: { ...wireJob(event.job, fleet.waitingFor(event.job.id)), inputs: null, change: event.change } };
    case 'decision':
      return { event: 'decision', data: wireDecision(event.decision) };
    case 'deployment': {
      const { deployment } = event;
      return { event: 'deployment', data: wireDeployment(deployment, deployments.revision(deployment).workflow, null) };
    }
  }
}
