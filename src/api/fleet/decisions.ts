import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import * as schemas from '../schemas.ts';
import type { Api } from '../api.ts';
import { wireDecision } from '../wire.ts';

/** The decision log: what was started and stopped, which job went where, and why. */
export function addDecisionRoutes(app: Api, { store }: ApiContext): void {
  app.get(
    '/fleet/v1/decisions',
    {
      schema: {
        tags: ['decisions'],
        summary: 'List decisions, newest first',
        querystring: z.object({
          deployment: z.string().optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          cursor: z
            .string()
            .regex(/^\d{1,15}$/, 'must be the next of the page before')
            .optional(),
        }),
        response: { 200: schemas.listOf(schemas.decision), default: schemas.problem },
      },
    },
    async (request) => {
      const { deployment, limit, cursor } = request.query;
      const items = await store.decisions({
        limit,
        ...(deployment === undefined ? {} : { deployment }),
        ...(cursor === undefined ? {} : { before: Number(cursor) }),
      });
      const last = items.at(-1);
      return { items: items.map(wireDecision), next: last && items.length === limit ? String(last.seq) : null };
    },
  );
}
