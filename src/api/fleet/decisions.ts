import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { strangeCursor } from '../pages.ts';
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
        querystring: z.strictObject({
          deployment: z.string().optional(),
          ...schemas.page(100),
        }),
        response: { 200: schemas.listOf(schemas.decision), default: schemas.problem },
      },
    },
    async (request) => {
      const { deployment, limit, cursor } = request.query;
      const found = await store.decisions({
        limit: limit + 1,
        ...(deployment === undefined ? {} : { deployment }),
        ...(cursor === undefined ? {} : { before: /^\d{1,15}$/.test(cursor) ? Number(cursor) : strangeCursor() }),
      });
      const items = found.slice(0, limit);
      return { items: items.map(wireDecision), next: found.length > limit ? String(items.at(-1)?.seq) : null };
    },
  );
}
