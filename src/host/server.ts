import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { ComfleetError, toProblem } from '../errors.ts';
import { readLogFile } from './container-log.ts';
import { startRequest, type SupervisorInfo } from './protocol.ts';
import type { Supervisor } from './supervisor.ts';

const shutdownRequest = z.strictObject({ grace_ms: z.int().min(0) });
const stopQuery = z.strictObject({ epoch: z.coerce.number(), grace_ms: z.coerce.number() });

/** The supervisor's HTTP server, over `protocol.ts`. `onShutdown` is called when everything is stopped and the answer is out. */
export function createSupervisorServer(supervisor: Supervisor, info: SupervisorInfo, onShutdown: () => void): Server {
  return createServer((request, response) => {
    answer(supervisor, info, onShutdown, request, response).catch((error: unknown) => {
      const problem = toProblem(error instanceof z.ZodError ? new ComfleetError('invalid_parameter', z.prettifyError(error)) : error);
      if (response.headersSent) response.destroy();
      else send(response, problem.status, problem);
    });
  });
}

async function answer(
  supervisor: Supervisor,
  info: SupervisorInfo,
  onShutdown: () => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://supervisor');
  const [, resource, id, part] = pathname.split('/');
  switch (`${request.method} /${resource}${id ? '/:id' : ''}${part ? `/${part}` : ''}`) {
    case 'GET /supervisor':
      return send(response, 200, info);
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
      return sendEvents(supervisor, response, Number(searchParams.get('after') ?? 0));
    case 'POST /shutdown':
      await supervisor.stopAll(shutdownRequest.parse(await json(request)).grace_ms);
      response.once('close', onShutdown);
      return send(response, 204);
    default:
      throw new ComfleetError('not_found', `the supervisor has no ${request.method} ${pathname}`);
  }
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** A forgotten past is told by a first line `{"reset": true}`: the reader then looks at the list again. */
function sendEvents(supervisor: Supervisor, response: ServerResponse, after: number): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const past = supervisor.since(after);
  if (!past) response.write('{"reset":true}\n');
  for (const event of past ?? []) response.write(`${JSON.stringify(event)}\n`);
  const end = supervisor.subscribe((event) => response.write(`${JSON.stringify(event)}\n`));
  response.once('close', end);
}

async function sendLogs(supervisor: Supervisor, response: ServerResponse, id: string, follow: boolean): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const log = supervisor.log(id);
  const write = (line: unknown): void => void response.write(`${JSON.stringify(line)}\n`);
  if (log) for (const line of log.recent()) write(line);
  else for await (const line of readLogFile(supervisor.logFile(id))) write(line);
  if (!log || !follow) return void response.end();
  const end = log.follow(write);
  response.once('close', end);
}
