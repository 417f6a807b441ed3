import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { fail } from '../job-headers.ts';
import * as schemas from '../schemas.ts';
import type { Api } from '../api.ts';
import { wireTime, wireUsage } from '../wire.ts';

const day = 86_400_000;
const moment = z.iso.datetime({ offset: true, error: 'must be a time like 2030-01-31T12:00:00Z' }).optional();

/** What containers cost, by deployment. */
export function addUsageRoutes(app: Api, { store, clock, fleet }: ApiContext): void {
  app.get(
    '/fleet/v1/usage',
    {
      schema: {
        tags: ['usage'],
        summary: 'Container-seconds and money by deployment',
        querystring: z.strictObject({ from: moment.describe('24 h before `to` when left out'), to: moment.describe('Now when left out') }),
        response: {
          200: schemas.listOf(schemas.usageRow).extend({ from: schemas.time, to: schemas.time, usd_per_minute: z.number().nullable() }),
          default: schemas.problem,
        },
      },
    },
    async (request) => {
      const to = request.query.to === undefined ? clock.now() : Date.parse(request.query.to);
      const from = request.query.from === undefined ? to - day : Date.parse(request.query.from);
      if (from >= to) fail('from', 'must lie before to');
      const rows = await store.usage({ from, to });
      return { items: rows.map(wireUsage), next: null, from: wireTime(from), to: wireTime(to), usd_per_minute: costNow(fleet.cost()) };
    },
  );
}

/** Null where no price is set for anything that runs. */
function costNow(views: ReturnType<ApiContext['fleet']['cost']>): number | null {
  const priced = views.flatMap(({ usdPerMinute }) => (usdPerMinute ? [usdPerMinute.busy + usdPerMinute.starting + usdPerMinute.idle] : []));
  return priced.length === 0 ? null : priced.reduce((sum, usd) => sum + usd, 0);
}
