import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import type { PassedRequest } from '../../comfyui/runner.ts';
import { toProblem } from '../../errors.ts';
import type { ApiContext } from '../context.ts';
import { isAmbiguous, type WholeAnswer } from '../native/pass.ts';
import { checkOrigin } from '../origin.ts';
import { pageCallers } from './callers.ts';
import { sessionMs, type PageSessions } from './sessions.ts';

const cookieName = 'comfleet_page';

/** ComfyUI's page is one of many scripts, some of them of node packs: it may do what it likes within its own origin, and in no frame. */
const headers = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'",
};

interface Parts {
  readonly config: ApiContext['config'];
  readonly sessions: PageSessions;
  /** Answers the API. */
  readonly gateway: FastifyInstance;
  /** Files of ComfyUI's frontend; null: there are none here. */
  readonly folder: string | null;
  /** Asks a ready container for what the folder lacks; null: that is not wanted. Its answer is null when no container is ready. */
  readonly container: ((request: PassedRequest) => Promise<WholeAnswer | null>) | null;
}

/**
 * ComfyUI's own page, on a port and so an origin of its own: its scripts never share the dashboard's. It reaches the native dialect, with the
 * rights of whoever opened it but never an admin's, and nothing else of the gateway.
 */
export async function createPageServer(parts: Parts): Promise<Server> {
  const files = await filesOf(parts);
  await parts.gateway.ready();
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    try {
      answer(parts, files, request, response);
    } catch (error) {
      sayProblem(response, error);
    }
  });
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    if (!/^(\/api)?\/ws\/?(\?|$)/.test(request.url ?? '') || !admit(parts, request)) {
      stream.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    } else {
      parts.gateway.server.emit('upgrade', request, stream, head);
    }
  });
  return server;
}

/** Files of a page, and nothing that could be a route of ComfyUI or of a node pack. */
const isFile =
  /^\/((assets|cursor|docs|extensions|fonts|images|lib|scripts|templates)\/[^?]+|[\w.-]+\.(css|html|ico|js|json|png|svg|woff2?)|)$/;

async function filesOf({ folder, container }: Parts): Promise<FastifyInstance> {
  const files = fastify({ logger: false });
  if (folder !== null) await files.register(fastifyStatic, { root: folder, cacheControl: true, maxAge: 0, index: 'index.html' });
  files.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (!container || request.method !== 'GET' || !isFile.test(path) || isAmbiguous(path)) {
      return reply.code(404).type('text/plain').send('The page has no such file');
    }
    const known = request.headers['if-none-match'];
    const answer = await container({ method: 'GET', path, headers: known === undefined ? {} : { 'if-none-match': known }, body: null });
    if (!answer) return reply.code(503).type('text/plain').send('No container is ready: run a job, or set min_containers');
    if (answer.etag !== null) reply.header('etag', answer.etag);
    // The kind that a browser knows stays, unless it is told another.
    if (answer.status === 304) return reply.code(304).send();
    return reply.code(answer.status).header('cache-control', 'no-cache').type(answer.mime).send(answer.body);
  });
  await files.ready();
  return files;
}

function answer(parts: Parts, files: FastifyInstance, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  checkOrigin(request.headers, parts.config.network);
  if (pathname === '/comfleet/enter') return enter(parts, searchParams.get('ticket') ?? '', request, response);
  if (!admit(parts, request)) return askToOpen(parts, request, response);
  // Templates are a package of their own; without it there are none.
  if (!parts.container && /^\/templates\/index[\w.-]*\.json$/.test(pathname)) return say(response, 200, 'application/json', '[]');
  if (request.url?.startsWith('/api/')) parts.gateway.routing(request, response);
  else files.routing(request, response);
}

/** Notes whom the request stands for, and takes off whatever else might say so. False: it carries no session. */
function admit({ config, sessions }: Parts, request: IncomingMessage): boolean {
  try {
    checkOrigin(request.headers, config.network);
  } catch {
    return false;
  }
  const session = new RegExp(`(?:^|;\\s*)${cookieName}=([0-9a-f]{64})(?:;|$)`).exec(request.headers.cookie ?? '')?.[1];
  const principal = session === undefined ? null : sessions.principalOf(session);
  if (!principal) return false;
  for (const name of ['cookie', 'authorization', 'x-api-key']) delete request.headers[name];
  pageCallers.set(request, principal);
  return true;
}

function enter({ sessions }: Parts, ticket: string, request: IncomingMessage, response: ServerResponse): void {
  const session = request.method === 'GET' ? sessions.enter(ticket) : null;
  if (session === null) return sayText(response, 403, 'This link was used already, or is too old. Open the page from the gateway again.');
  const cookie = `${cookieName}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${sessionMs / 1000}`;
  response.writeHead(303, { location: '/', 'set-cookie': cookie, 'cache-control': 'no-store', 'content-length': 0 }).end();
}

function askToOpen({ config }: Parts, request: IncomingMessage, response: ServerResponse): void {
  const host = (request.headers.host ?? 'localhost').replace(/:\d+$/, '');
  sayText(response, 401, `Open this page from the gateway: http://${host}:${config.network.port}/page/`);
}

const sayText = (response: ServerResponse, status: number, text: string): void => say(response, status, 'text/plain; charset=utf-8', text);

function say(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function sayProblem(response: ServerResponse, error: unknown): void {
  const { status, detail } = toProblem(error);
  sayText(response, status, detail);
}
