import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { pageOf } from '../pages.ts';
import * as schemas from '../schemas.ts';
import type { Api } from '../api.ts';
import { wireKey } from '../wire.ts';

const tags = ['keys'];

/** API keys, and the secret that webhooks are signed with. For admins only, as every route that does not say otherwise. */
export function addKeyRoutes(app: Api, { keys, webhooks }: ApiContext): void {
  app.get(
    '/fleet/v1/keys',
    {
      schema: {
        tags,
        summary: 'List keys, oldest first, revoked ones included',
        querystring: z.strictObject(schemas.page(200)),
        response: { 200: schemas.listOf(schemas.key), default: schemas.problem },
      },
    },
    (request) => {
      const { items, next } = pageOf(keys.list(), request.query, ({ id }) => id);
      return { items: items.map(wireKey), next };
    },
  );
  app.post(
    '/fleet/v1/keys',
    {
      schema: {
        tags,
        summary: 'Create a key',
        description: 'The secret is in this answer and nowhere else.',
        body: z.strictObject({ name: z.string().trim().min(1).max(100), role: z.enum(['admin', 'invoke']).default('invoke') }),
        response: { 201: schemas.key.extend({ secret: z.string() }), default: schemas.problem },
      },
    },
    async (request, reply) => {
      const { key, secret } = await keys.create(request.body.name, request.body.role);
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...wireKey(key), secret });
    },
  );
  app.delete(
    '/fleet/v1/keys/:id',
    {
      schema: {
        tags,
        summary: 'Revoke a key',
        params: z.object({ id: z.string() }),
        response: { 200: schemas.key, default: schemas.problem },
      },
    },
    async (request) => wireKey(await keys.revoke(request.params.id)),
  );
  app.get(
    '/fleet/v1/webhook-secret',
    { schema: { tags, summary: 'What webhooks are signed with', response: { 200: z.object({ secret: z.string() }) } } },
    async (_request, reply) => reply.header('cache-control', 'no-store').send({ secret: await webhooks.secret() }),
  );
}
