import { z } from 'zod';
import type { Api } from '../api.ts';
import type { ApiContext } from '../context.ts';
import * as schemas from '../schemas.ts';
import { byTarget } from '../simple.ts';

const simulated = 'Simulated by the fleet’s own code';
const dollars = z.number().nullable().describe('Dollars per hour; null: no price set');

const run = z.object({
  name: z.string().describe('now, slo, per-input, per-input-5m, concurrency, request-count, fixed or fast-starts'),
  label: z.string(),
  attainment: z.number(),
  meets: z.boolean(),
  p95_s: z.number(),
  gpu_seconds: z.number(),
  usd_per_hour: dollars,
  peak_containers: z.int(),
});

const result = z.object({
  at: schemas.time,
  window: z.object({ from: schemas.time, to: schemas.time, jobs: z.int() }),
  slo: z.object({ p: z.number(), latency_s: z.number() }),
  timing: z.object({ start_s: z.number(), outside_s: z.number(), load_s: z.number() }).describe('What the simulation took for granted'),
  price_usd_per_hour: dollars,
  measured: z
    .object({ jobs: z.int(), attainment: z.number().nullable(), gpu_seconds: z.number(), usd_per_hour: dollars })
    .describe('What really happened in the window'),
  runs: z.array(run).describe(`${simulated}: with the settings of now, then with others`),
  best: z.string().nullable().describe('The cheapest of them that meets the target; null: none does'),
  bound: z
    .object({ gpu_seconds: z.number(), usd_per_hour: dollars, ratio: z.number() })
    .nullable()
    .describe('No policy that meets the target costs less; ratio: simulated cost with the settings of now by it'),
  bound_note: z.string().nullable().describe('Why there is no bound'),
  sentence: z.string().describe('What to change'),
});

const shadow = z
  .object({
    deployment: z.string(),
    environment: z.string(),
    state: z.enum(['off', 'waiting', 'ready', 'failed']),
    note: z.string().nullable().describe('Why there is no result, or none of the last replay'),
    next_at: schemas.time.nullable().describe('When the next replay begins; null: one is under way, or there will be none'),
    result: result.nullable(),
  })
  .meta({ id: 'Shadow' });

/** What other settings would have come to on a deployment's last day. For admins only: it tells what it costs. */
export function addShadowRoutes(app: Api, context: ApiContext): void {
  app.get(
    '/fleet/v1/deployments/:name/shadow',
    {
      schema: {
        tags: ['deployments'],
        summary: 'What other settings would have come to on its last day',
        params: z.object({ name: z.string().describe('NAME (of production) or NAME@ENVIRONMENT') }),
        response: { 200: shadow, default: schemas.problem },
      },
    },
    (request) => context.shadow.view(byTarget(context, request.params.name)) as z.infer<typeof shadow>,
  );
}
