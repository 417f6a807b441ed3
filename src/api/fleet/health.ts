import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { wireTime } from '../wire.ts';

const verdict = z
  .object({
    code: z.string(),
    severity: z.enum(['good', 'warn', 'bad']),
    sentence: z.string(),
    evidence: z.array(z.string()),
    ruled_out: z.array(z.string()),
    as_of: z.string(),
    version: z.string(),
    runtime: z.object({ name: z.string(), capacity: z.int(), ready: z.boolean(), note: z.string().nullable() }),
  })
  .meta({ id: 'Health' });

/** Health in words, and the document that the first page draws. */
export function addHealthRoutes(app: Api, context: ApiContext): void {
  const tags = ['health'];
  app.get(
    '/fleet/v1/health',
    { config: { access: 'invoke' }, schema: { tags, summary: 'Is all well, and if not, why', response: { 200: verdict } } },
    () => {
      const { code, severity, sentence, evidence, ruled_out, as_of } = context.overview().verdict;
      return {
        code,
        severity,
        sentence,
        evidence: [...evidence],
        ruled_out: [...ruled_out],
        as_of: wireTime(as_of),
        version: context.version,
        runtime: { ...context.fleet.runtime },
      };
    },
  );
  app.get('/fleet/v1/overview', { schema: { tags, summary: 'What the first page shows of the last ten minutes' } }, (request, reply) => {
    // The page asks again after each event: most answers are "nothing new" and cost nothing.
    const etag = `"${context.overviewTag()}"`;
    reply.headers({ etag, 'cache-control': 'no-cache' });
    return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(context.overview());
  });
}
