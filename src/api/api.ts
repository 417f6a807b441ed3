import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiLimits } from './context.ts';
import type { Lifetime } from './lifetime.ts';

/** The server with zod as the language of its schemas: what routes are added to. */
export type Api = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** What streams need of the server beside its context. */
export interface ServerParts {
  readonly lifetime: Lifetime;
  readonly limits: ApiLimits;
}
