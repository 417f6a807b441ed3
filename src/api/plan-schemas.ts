import { z } from 'zod';
import { problem, time } from './schemas.ts';
import { most } from '../planning/plan/limits.ts';
import { leastJobs } from '../planning/summary.ts';
import { workloads, type WorkloadName } from '../planning/workloads.ts';

/** What plans are asked for and answered with: see `planning/plan/planner.ts` for the meaning of each figure. */

const upTo = (limit: number) => z.number().min(0, 'must be >= 0').max(limit);
const pause = upTo(most.pauseSeconds);
const settings = z.record(z.string(), z.union([z.number(), z.string()])).describe('As `comfleet simulate --settings` takes them.');

export const planBody = z.strictObject({
  deployment: z.string().optional().describe('NAME or NAME@ENVIRONMENT: its target, price and starts, and its own jobs of the last day.'),
  workload: z
    .enum(Object.keys(workloads) as WorkloadName[])
    .optional()
    .describe('Jobs that are drawn: docs/reference/workloads.md.'),
  closed_loop: z
    .strictObject({
      users: z.int().min(1).max(most.users),
      pause_seconds: z.tuple([pause, pause]).describe('Least and longest, drawn uniformly.'),
      service_seconds: z
        .array(z.number().positive().max(most.serviceSeconds))
        .min(1)
        .max(10_000)
        .describe('Samples of the time on the GPU.'),
      seconds: z
        .number()
        .positive()
        .max(most.loopSeconds)
        .default(3_600)
        .describe('How long they ask; of the first fifth nothing is counted.'),
    })
    .optional()
    .describe('Users who each wait for their answer, pause, and ask again.'),
  trace: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .optional()
    .describe('Jobs in the order of arrival: {arrival_s, service_s, model?, user?, workflow?}.'),
  slo: z.record(z.string(), z.unknown()).optional().describe('{p, latency}, as in scaling settings.'),
  budget: z.strictObject({ usd_per_hour: upTo(most.budgetUsdPerHour) }).optional(),
  price: upTo(most.usdPerHour).optional().describe("Of a GPU-hour; that of the fleet's GPUs when left out."),
  start_seconds: upTo(most.startSeconds).optional().describe('Of a container; as measured when left out, else 20.'),
  outside_seconds: upTo(most.outsideSeconds)
    .optional()
    .describe('What a job takes outside the GPU, half before and half after; as learnt of the deployment when left out, else 0.'),
  load_seconds: upTo(most.loadSeconds)
    .optional()
    .describe('Of loading models onto a GPU that does not hold them; as learnt of the deployment when left out, else 0.'),
  horizon_seconds: upTo(most.horizonSeconds).optional().describe('End of the accounts; the last arrival when left out.'),
  seed: z.int().min(0).default(1).describe('Of what is drawn.'),
});

export type PlanBody = z.output<typeof planBody>;

const run = z
  .object({
    policy: z.string(),
    settings,
    usd_per_hour: z.number().nullable().describe('GPU-seconds per hour x price / 3600; null: no price set.'),
    gpu_seconds_per_hour: z.number(),
    span_s: z.number().describe('What costs are counted over: until the source ends and the last job is answered.'),
    p50_s: z.number(),
    p95_s: z.number(),
    p99_s: z.number(),
    at_target_share_s: z.number().describe("Latency at the target's share."),
    attainment: z.number().describe('Share of the jobs within the target.'),
    windows_attained: z.number(),
    meets: z.boolean(),
    jobs: z.int(),
    starts: z.int(),
    peak_containers: z.int(),
  })
  .meta({ id: 'PlanRun' });

const result = z
  .object({
    simulated: z.literal(true),
    recommended: run.nullable().describe('The cheapest that meets the target within the budget; null: none does.'),
    nearest: run
      .nullable()
      .describe(
        'Where none is recommended: the one within the budget with the largest share of jobs in time; null: else, or the budget allows none.',
      ),
    met: z.boolean().describe('One is recommended.'),
    jobs: z.int().describe(`Jobs that the verdict rests on; with fewer than ${leastJobs} nothing can be applied.`),
    says: z.array(z.string()).describe('The same in sentences, with what would meet the target where nothing does.'),
    notes: z.array(z.string()).describe('What the next dollar buys, the lower bound, and how costs are counted, in sentences.'),
    frontier: z.array(run).describe('Cheapest first, each with a lower p95 than all that cost no more.'),
    peers: z.array(run.extend({ name: z.string(), cost_ratio: z.number().nullable().describe('Times the recommended one.') })),
    next_dollar: z
      .object({
        run,
        more_usd_per_hour: z.number().nullable(),
        more_gpu_seconds_per_hour: z.number(),
        less_p95_s: z.number(),
      })
      .nullable(),
    lower_bound_usd_per_hour: z.number().nullable().describe('No policy that meets the target costs less.'),
    lower_bound_gpu_seconds_per_hour: z.number().nullable(),
    lower_bound_missing: z.string().optional(),
    slo: z.object({ p: z.number(), latency_s: z.number() }),
    reachable_s: z.number(),
    price_usd_per_hour: z.number().nullable(),
    budget_usd_per_hour: z.number().nullable(),
    start_s: z.number(),
    outside_s: z.number().describe('What a job takes outside the GPU.'),
    load_s: z.number().describe('What loading a model takes.'),
    source: z.string(),
    span_s: z.number().describe('Of the source.'),
    uncounted_s: z.number().describe('At its beginning, of which no figure is: a fifth of what users ask for.'),
    sample: z
      .object({
        of_jobs: z.int(),
        parts: z.array(z.object({ what: z.enum(['typical', 'busiest', 'beginning']), from_s: z.number(), to_s: z.number() })),
      })
      .optional()
      .describe('What of a longer source was simulated.'),
    runs: z.array(run),
  })
  .meta({ id: 'PlanResult' });

export const plan = z
  .object({
    id: z.string(),
    deployment: z
      .string()
      .nullable()
      .describe('NAME@ENVIRONMENT whose own jobs it is made from, and `change` is for; null: drawn jobs, users or a trace.'),
    state: z.enum(['running', 'done', 'failed', 'cancelled']),
    progress: z.number().describe('0 to 1.'),
    created_at: time,
    finished_at: time.nullable(),
    result: result.nullable(),
    change: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        'What PATCH /fleet/v1/deployments/{name}/scaling takes to apply the recommended settings; null: nothing meets the target, or too few jobs tell.',
      ),
    error: problem.omit({ request_id: true }).nullable(),
  })
  .meta({ id: 'Plan' });
