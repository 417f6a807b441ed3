import { z } from 'zod';

/** What the fleet API sends and takes, as zod schemas: they check requests, type `wire.ts`, and become the OpenAPI document. */

export const time = z.iso.datetime({ precision: 3 }).describe('RFC 3339, UTC, with milliseconds');
const milliseconds = z.number().describe('milliseconds');
const seconds = z.number().describe('seconds');
const json = z.unknown();

export const jobState = z.enum(['queued', 'running', 'succeeded', 'failed', 'canceled', 'expired']);
export const containerState = z.enum(['starting', 'ready', 'busy', 'draining', 'parked', 'stopped', 'failed']);

/** At most so many items on a page. */
const maxLimit = 1000;
const limitWords = `must be a whole number from 1 to ${maxLimit}`;

/** Query of every list that comes in pages; `usual` items when no limit is given. */
export const page = (usual: number) => ({
  limit: z.coerce.number(limitWords).int(limitWords).min(1, limitWords).max(maxLimit, limitWords).default(usual),
  cursor: z.string().optional().describe('`next` of the page before.'),
});

/** A switch in a query: `?force` and `?force=1` turn it on. */
export const flag = z.stringbool({ truthy: ['1', 'true', ''], falsy: ['0', 'false'], error: 'must be true or false' });

/** The key of a browser's stream, which cannot send headers. */
export const token = z.string().optional().describe('A key, where no header can be sent.');

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Give it as `cursor` to get the next page; null: this was the last.'),
  });

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable; docs/reference/errors.md explains each.'),
    next: z.string().describe('What to do about it.'),
    request_id: z.string(),
  })
  .meta({ id: 'Problem' });

export const output = z
  .object({
    index: z.int(),
    node: z.string(),
    kind: z.enum(['image', 'video', 'audio', 'text', 'file']),
    mime: z.string(),
    filename: z.string(),
    bytes: z.int(),
    asset: z.string().nullable().describe('Null for text, and after the retention time.'),
    text: z.string().optional(),
    url: z.string(),
  })
  .meta({ id: 'Output' });

export const jobError = z
  .object({
    code: z.string(),
    message: z.string(),
    next: z.string(),
    node: z.string().nullable(),
    class_type: z.string().nullable(),
    details: json,
  })
  .meta({ id: 'JobError' });

export const job = z
  .object({
    id: z.string(),
    deployment: z.string(),
    environment: z.string(),
    revision: z.string(),
    state: jobState,
    source: z.enum(['simple', 'fleet', 'native']),
    priority: z.int(),
    attempts: z.int().describe('Tries so far, lost ones included.'),
    lost_containers: z.int(),
    container: z.string().nullable().describe('Of the last attempt.'),
    cancel_requested: z.boolean(),
    waiting_for: z.string().nullable().describe('Why it waits, in words; null when it does not.'),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    deadline_at: time.nullable(),
    inputs: z.record(z.string(), json).nullable().describe("Resolved, the drawn seed included; null for a client's own graph."),
    outputs: z.array(output),
    error: jobError.nullable(),
    timing: z
      .object({ queue_ms: milliseconds, cold_ms: milliseconds, run_ms: milliseconds, store_ms: milliseconds })
      .nullable()
      .describe('Disjoint parts of created to finished.'),
    usage: z
      .object({
        container_seconds: seconds,
        share: z.number(),
        gpu: z.string().nullable(),
        usd: z.number().nullable(),
        formula: z.string(),
      })
      .nullable(),
    webhook: z.string().nullable(),
    urls: z.object({ self: z.string(), events: z.string(), result: z.string() }),
  })
  .meta({ id: 'Job' });

export const attempt = z
  .object({
    number: z.int(),
    container: z.string(),
    started_at: time,
    ended_at: time.nullable(),
    outcome: z.enum(['running', 'succeeded', 'failed', 'canceled', 'expired', 'lost', 'abandoned']),
    cold_ms: milliseconds,
  })
  .meta({ id: 'Attempt' });

export const container = z
  .object({
    id: z.string(),
    deployment: z.string(),
    environment: z.string(),
    revision: z.string(),
    runtime: z.string(),
    state: containerState,
    host: z.string(),
    device: z.string(),
    gpu: z.string().nullable(),
    share: z.number(),
    started_at: time,
    ready_at: time.nullable(),
    stopped_at: time.nullable(),
    start_reason: z.string(),
    stop_reason: z.string().nullable(),
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    phases: z.array(
      z.object({
        phase: z.string(),
        from: time,
        to: time.nullable(),
        detail: z.record(z.string(), z.number()).nullable().describe('Seconds by part, such as each custom node.'),
      }),
    ),
    jobs_done: z.int(),
    seconds: z.object({ starting: seconds, busy: seconds, idle: seconds }),
    usd_per_hour: z.number().nullable(),
    usd: z.number().nullable(),
    formula: z.string(),
  })
  .meta({ id: 'Container' });

export const scaling = z
  .object({
    min_containers: z.int(),
    max_containers: z.int().nullable(),
    buffer_containers: z.int(),
    scaledown_window: z.string(),
    max_inputs: z.int(),
    target_inputs: z.int(),
    policy: z.string(),
    policy_settings: z.record(z.string(), z.union([z.number(), z.string()])),
    slo: z.object({ p: z.number(), latency: z.string(), window: z.string() }),
    budget: z.object({ usd_per_hour: z.number().nullable(), hard: z.boolean() }),
  })
  .meta({ id: 'Scaling' });

export const deployment = z
  .object({
    name: z.string(),
    environment: z.string(),
    default: z.boolean(),
    revision: z.string(),
    scaling,
    execution_timeout: z.string(),
    inputs: z.record(z.string(), json).describe('JSON Schema of the named inputs.'),
    outputs: z.array(z.object({ node: z.string(), name: z.string().nullable() })),
    problems: z.array(z.object({ code: z.string(), node: z.string(), message: z.string() })),
    queue: z.object({
      queued: z.int(),
      running: z.int(),
      oldest_queued_at: time.nullable(),
      desired_containers: z.int(),
      target_containers: z.int(),
      held_by: z.string().nullable(),
      note: z.string().nullable().describe('What the scaling policy wants its user to know.'),
    }),
    url: z.string().describe('POST the named inputs here.'),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Deployment' });

export const decision = z
  .object({
    seq: z.int(),
    at: time,
    deployment: z.string(),
    environment: z.string(),
    kind: z.enum(['scale', 'dispatch']),
    reason: z.string(),
    data: z.record(z.string(), json).describe('What went into it and what came out; times in milliseconds.'),
    hash: z.string().describe('SHA-256 of the canonical JSON of `data` as it is stored, where its names are in camelCase.'),
  })
  .meta({ id: 'Decision' });

export const usageRow = z
  .object({
    deployment: z.string(),
    gpu: z.string().nullable(),
    starting_seconds: seconds,
    busy_seconds: seconds,
    idle_seconds: seconds,
    usd: z.number().nullable(),
    formula: z.string(),
  })
  .meta({ id: 'Usage' });

export const key = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(['admin', 'invoke']),
    tail: z.string().describe('The last four letters of the secret.'),
    created_at: time,
    revoked_at: time.nullable(),
    last_used_at: time.nullable(),
  })
  .meta({ id: 'Key' });

export const delivery = z
  .object({
    id: z.string(),
    event: z.string(),
    url: z.string(),
    state: z.enum(['pending', 'delivered', 'dead']),
    tries: z.int(),
    next_at: time.nullable(),
    last_status: z.int().nullable(),
    last_error: z.string().nullable(),
  })
  .meta({ id: 'Delivery' });

export const upload = z.object({ asset: z.string(), bytes: z.int(), mime: z.string(), name: z.string() }).meta({ id: 'Upload' });
