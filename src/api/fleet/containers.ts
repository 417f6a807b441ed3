import { Readable } from 'node:stream';
import { z } from 'zod';
import { ComfleetError } from '../../errors.ts';
import type { ContainerRecord } from '../../fleet/container.ts';
import type { LogLine } from '../../runtimes/runtime.ts';
import type { ApiContext } from '../context.ts';
import { whileWelcome } from '../lifetime.ts';
import { strangeCursor } from '../pages.ts';
import * as schemas from '../schemas.ts';
import type { Api, ServerParts } from '../api.ts';
import { wireContainer, wireTime } from '../wire.ts';

const tags = ['containers'];
const params = z.object({ id: z.string() });

export function addContainerRoutes(app: Api, context: ApiContext, { lifetime }: ServerParts): void {
  const { fleet, store, clock } = context;

  app.get(
    '/fleet/v1/containers',
    {
      schema: {
        tags,
        summary: 'List containers, newest first',
        querystring: z.strictObject({
          alive: schemas.flag.default(true).describe('false: stopped and failed ones too'),
          deployment: z.string().optional(),
          ...schemas.page(200),
        }),
        response: { 200: schemas.listOf(schemas.container), default: schemas.problem },
      },
    },
    async (request) => {
      const { alive, deployment, limit, cursor } = request.query;
      const before = cursor === undefined ? null : readCursor(cursor);
      const filter = { limit: limit + 1, ...(deployment === undefined ? {} : { deployment }), ...(before ? { before } : {}) };
      const living = fleet.containers().filter((container) => deployment === undefined || container.deployment === deployment);
      const found = newestFirst(living, alive ? [] : await store.containers(filter)).filter((one) => !before || compare(before, one) < 0);
      const items = found.slice(0, limit);
      const last = items.at(-1);
      const now = clock.now();
      return {
        items: items.map((container) => wireContainer(container, now)),
        next: last && found.length > limit ? `${last.startedAt}-${last.id}` : null,
      };
    },
  );
  app.get(
    '/fleet/v1/containers/:id',
    { schema: { tags, summary: 'One container', params, response: { 200: schemas.container, default: schemas.problem } } },
    async (request) => wireContainer(await find(context, request.params.id), clock.now()),
  );
  addStop(app, context);
  addLogs(app, context, lifetime);
}

function addStop(app: Api, context: ApiContext): void {
  const stop = async (id: string, force: boolean, reason: string) => {
    await context.fleet.stopContainer(id, { force, reason });
    return wireContainer(await find(context, id), context.clock.now());
  };
  const response = { 202: schemas.container, default: schemas.problem };
  const summary = 'Stop a container: drain it, or kill it with force';
  const asked = 'asked for by the API';

  app.post(
    '/fleet/v1/containers/:id/stop',
    {
      schema: {
        tags,
        summary,
        params,
        body: z.strictObject({ force: z.boolean().default(false), reason: z.string().min(1).max(200).default(asked) }).nullish(),
        response,
      },
    },
    async (request, reply) => {
      const { force = false, reason = asked } = request.body ?? {};
      return reply.code(202).send(await stop(request.params.id, force, reason));
    },
  );
  app.delete(
    '/fleet/v1/containers/:id',
    { schema: { tags, summary, params, querystring: z.strictObject({ force: schemas.flag.default(false) }), response } },
    async (request, reply) => reply.code(202).send(await stop(request.params.id, request.query.force, asked)),
  );
}

function addLogs(app: Api, context: ApiContext, lifetime: ServerParts['lifetime']): void {
  app.get(
    '/fleet/v1/containers/:id/logs',
    {
      config: { tokenInQuery: true },
      schema: {
        tags,
        summary: 'Its log, oldest line first',
        description: 'Text, or one JSON object a line for Accept: application/x-ndjson.',
        params,
        querystring: z.strictObject({
          follow: schemas.flag.default(false).describe('Go on until the container ends'),
          token: schemas.token,
        }),
        response: { 200: z.custom<Readable>().describe('text/plain or application/x-ndjson'), default: schemas.problem },
      },
    },
    async (request, reply) => {
      const { id } = await find(context, request.params.id);
      const ndjson = request.headers.accept?.includes('application/x-ndjson') ?? false;
      const stop = new AbortController();
      const forget = whileWelcome(lifetime, context.keys, request.principal, () => stop.abort());
      const lines = context.logs(id, { follow: request.query.follow, signal: stop.signal });
      const body = Readable.from(formatted(lines, ndjson ? asJson : asText));
      // Not the body's own end: that waits for the next line.
      reply.raw.once('close', () => {
        stop.abort();
        forget();
      });
      // Lines come from node packs: a browser must not take them for a page.
      return reply
        .type(ndjson ? 'application/x-ndjson' : 'text/plain; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(body);
    },
  );
}

/** Living ones as the controller sees them now, before what the store says of the same. */
function newestFirst(living: readonly ContainerRecord[], stored: readonly ContainerRecord[]): ContainerRecord[] {
  const byId = new Map([...stored, ...living].map((container) => [container.id, container]));
  return [...byId.values()].sort(compare);
}

type Place = Pick<ContainerRecord, 'startedAt' | 'id'>;

/** The store's order: newest first. */
const compare = (a: Place, b: Place): number => b.startedAt - a.startedAt || (a.id === b.id ? 0 : a.id < b.id ? 1 : -1);

function readCursor(cursor: string): Place {
  const [, startedAt, id] = /^(\d{1,16}(?:\.\d{1,16})?)-(.+)$/.exec(cursor) ?? [];
  return startedAt === undefined || id === undefined ? strangeCursor() : { startedAt: Number(startedAt), id };
}

async function find({ fleet, store }: ApiContext, id: string): Promise<ContainerRecord> {
  const living = fleet.containers().find((container) => container.id === id);
  const found = living ?? (await store.containers({ id, limit: 1 }))[0];
  if (!found) throw new ComfleetError('unknown_container', `There is no container ${id}`);
  return found;
}

const asText = ({ at, stream, text }: LogLine): string => `${wireTime(at)} ${stream} ${text}\n`;
const asJson = ({ at, stream, text }: LogLine): string => `${JSON.stringify({ at: wireTime(at), stream, text })}\n`;

async function* formatted(lines: AsyncIterable<LogLine>, format: (line: LogLine) => string): AsyncGenerator<string> {
  for await (const line of lines) yield format(line);
}
