import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { ComfleetError, toProblem } from '../errors.ts';
import { readLogFile } from './container-log.ts';
import { startRequest, type EventLine, type EventPosition, type SupervisorInfo } from './protocol.ts';
import type { Supervisor } from './supervisor.ts';

const shutdownRequest = z.strictObject({ grace_ms: z.int().min(0) });
const stopQuery = z.strictObject({ epoch: z.coerce.number(), grace_ms: z.coerce.number() });

interface Served {
  readonly supervisor: Supervisor;
  readonly pid: number;
  readonly instance: string;
  /** Called when everything is stopped and the answer is out. */
  readonly onShutdown: () => void;
}

/** The supervisor's HTTP server, over `protocol.ts`. */
export function createSupervisorServer(served: Served): Server {
  return createServer((request, response) => {
    answer(served, request, response).catch((error: unknown) => {
      const problem = toProblem(error instanceof z.ZodError ? new ComfleetError('invalid_parameter', z.prettifyError(error)) : error);
      if (response.headersSent) response.destroy();
      else send(response, problem.status, problem);
    });
  });
}

async function answer(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { supervisor, pid, instance, onShutdown } = served;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://supervisor');
  const [, resource, id, part] = pathname.split('/');
  switch (`${request.method} /${resource}${id ? '/:id' : ''}${part ? `/${part}` : ''}`) {
    case 'GET /supervisor':
      return send(response, 200, { pid, instance, seq: supervisor.seq } satisfies SupervisorInfo);
    case 'PUT /lease':
      supervisor.renewLease();
      return send(response, 204);
    case 'GET /containers':
      return send(response, 200, supervisor.list());
    case 'POST /containers':
      supervisor.start(startRequest.parse(await json(request)));
      return send(response, 202);
    case 'DELETE /containers/:id': {
      const query = stopQuery.parse(Object.fromEntries(searchParams));
      await supervisor.stop(id ?? '', query.epoch, query.grace_ms);
      return send(response, 204);
    }
    case 'GET /containers/:id/logs':
      return sendLogs(supervisor, response, id ?? '', searchParams.get('follow') === '1');
    case 'GET /events':
      return sendEvents(served, response, { instance: searchParams.get('instance') ?? '', seq: Number(searchParams.get('after') ?? 0) });
    case 'POST /shutdown':
      await supervisor.stopAll(shutdownRequest.parse(await json(request)).grace_ms);
      // Whether or not there is still somebody to hear the answer.
      finished(response, onShutdown);
      return send(response, 204);
    default:
      throw new ComfleetError('not_found', `the supervisor has no ${request.method} ${pathname}`);
  }
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function sendEvents({ supervisor, instance }: Served, response: ServerResponse, after: EventPosition): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const write = (line: EventLine): void => void response.write(`${JSON.stringify(line)}\n`);
  const known = after.instance === instance ? supervisor.since(after.seq) : null;
  // Who comes from a former supervisor has begun starts with this one already, and hears of them from the first event on.
  const past = known ?? supervisor.since(0);
  if (!known) write({ reset: { instance, seq: past ? 0 : supervisor.seq } });
  for (const event of past ?? []) write(event);
  response.once('close', supervisor.subscribe(write));
}

async function sendLogs(supervisor: Supervisor, response: ServerResponse, id: string, follow: boolean): Promise<void> {
  const log = supervisor.log(id);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const write = (line: unknown): void => void response.write(`${JSON.stringify(line)}\n`);
  if (log) for (const line of log.recent()) write(line);
  else for await (const line of readLogFile(supervisor.logFile(id))) write(line);
  if (!log || !follow) return void response.end();
  response.once('close', log.follow({ line: write, end: () => response.end() }));
}
