import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerParts } from './api.ts';
import type { ApiContext } from './context.ts';
import { whileWelcome } from './lifetime.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
  /** What a client gives back as Last-Event-ID; live events, which cannot be repeated, have none. */
  readonly id?: string;
}

export interface EventStream {
  send(event: ServerEvent): void;
  /** Ends it from this side. */
  end(): void;
  /** Calls `listener` once, when either side ended it. */
  onEnd(listener: () => void): void;
  readonly ended: boolean;
}

/**
 * Answers with server-sent events. The stream has a heartbeat, ends when the server closes or the caller's key is revoked, and ends when
 * its reader is too far behind: it comes back with Last-Event-ID and goes on from the store or the ring, instead of filling memory here.
 */
export function openEventStream(reply: FastifyReply, { keys }: Pick<ApiContext, 'keys'>, { lifetime, limits }: ServerParts): EventStream {
  const body = new Readable({ read: () => undefined });
  // Not only once its reader has come to the end: nothing may be pushed behind it.
  let over = false;
  const end = (): void => {
    if (over || body.destroyed) return;
    over = true;
    body.push(null);
  };
  const write = (text: string): void => {
    if (over || body.destroyed) return;
    body.push(text);
    if (body.readableLength + reply.raw.writableLength > limits.streamBacklogBytes) body.destroy();
  };
  const heartbeat = setInterval(() => write(': alive\n\n'), limits.heartbeatMs);
  write('retry: 2000\n\n');
  const forget = whileWelcome(lifetime, keys, reply.request.principal, end);
  body.once('close', () => {
    clearInterval(heartbeat);
    forget();
  });
  reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no');
  void reply.send(body);
  return {
    send: ({ event, data, id }) => write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    end,
    onEnd: (listener) => body.once('close', listener),
    get ended() {
      return over || body.destroyed;
    },
  };
}

/** What the client saw last: the header of a reconnecting EventSource, or `?after=` for the first connection. */
export function lastEventId(request: FastifyRequest): string | null {
  const header = request.headers['last-event-id'];
  if (typeof header === 'string' && header !== '') return header;
  const { after } = request.query as { after?: unknown };
  return typeof after === 'string' && after !== '' ? after : null;
}
