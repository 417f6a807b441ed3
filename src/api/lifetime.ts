import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Keys } from '../workspaces/keys.ts';
import type { Principal } from './principal.ts';

/** What has to end before the server can: streams, and requests that wait for a job. */
export interface Lifetime {
  /** True once the server began to close. */
  closing(): boolean;
  /** Calls `end` when the server begins to close; at once if it has. Returns the function that forgets it. */
  onClose(end: () => void): () => void;
  close(): void;
}

export function createLifetime(): Lifetime {
  const ends = new Set<() => void>();
  let closed = false;
  return {
    closing: () => closed,
    onClose(end) {
      if (closed) end();
      else ends.add(end);
      return () => ends.delete(end);
    },
    close() {
      closed = true;
      for (const end of ends) end();
      ends.clear();
    },
  };
}

/**
 * Calls `end` when a stream may go on no longer: the server begins to close, or the key that it was opened with is revoked; at once if
 * that was before. Returns the function that forgets it.
 */
export function whileWelcome(lifetime: Lifetime, keys: Pick<Keys, 'onRevoked'>, { key }: Principal, end: () => void): () => void {
  const forgets = [lifetime.onClose(end), ...(key === null ? [] : [keys.onRevoked(key, end)])];
  return () => {
    for (const forget of forgets) forget();
  };
}

/** Called once for each request that came, when its answer is out or its client is gone. */
type Answered = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Ends what `lifetime` holds when the server closes, and every connection once the last answer is out. Node would wait for connections that
 * have never sent a request, as browsers open them in advance, and for those whose stream ended after it looked for idle ones.
 */
export function closeWhenAnswered(app: FastifyInstance, lifetime: Lifetime, answered: Answered): void {
  let unanswered = 0;
  const closeConnections = (): void => {
    if (unanswered > 0) return;
    if (app.server.listening) setImmediate(closeConnections);
    else app.server.closeAllConnections();
  };
  app.addHook('onRequest', async (request, reply) => {
    unanswered += 1;
    // Not the hook onResponse: that is not called when the client goes first.
    reply.raw.once('close', () => {
      unanswered -= 1;
      answered(request, reply);
      if (lifetime.closing()) closeConnections();
    });
  });
  app.addHook('preClose', async () => {
    lifetime.close();
    closeConnections();
  });
}
