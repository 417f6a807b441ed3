import type { z } from 'zod';
import { formatDuration } from '../config/duration.ts';
import { wholeChange } from '../config/flat-scaling.ts';
import { formatScaling } from '../config/scaling.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { Workflow } from '../deployments/workflow.ts';
import { errorCatalogue, toProblem } from '../errors.ts';
import { secondsByUse, type ContainerRecord } from '../fleet/container.ts';
import type { QueueView } from '../fleet/fleet.ts';
import type { Attempt, JobError, Output, ToldJob } from '../jobs/job.ts';
import type { PlanRun } from '../planning/plan/evaluate.ts';
import { isApplicable, type Plan } from '../planning/plan/planner.ts';
import type { PlanRecord } from '../plans/plans.ts';
import type { DecisionRecord, Delivery, UsageRow } from '../store/store.ts';
import type { Key } from '../workspaces/keys.ts';
import { inputSchema } from './input-schema.ts';
import type * as planSchemas from './plan-schemas.ts';
import type * as schemas from './schemas.ts';

/** From records to what goes over the wire: snake_case, RFC 3339 times. Pure. */

export const wireTime = (at: number): string => new Date(at).toISOString();
const timeOrNull = (at: number | null): string | null => (at === null ? null : wireTime(at));

export const jobPath = (id: string): string => `/fleet/v1/jobs/${id}`;
export const deploymentPath = (deployment: Deployment): string =>
  deployment.environment === 'production' ? `/d/${deployment.name}/` : `/d/${deployment.name}@${deployment.environment}/`;

const noPrice = 'no price set';
const priceOf = (usd: number | null, formula: string): string => (usd === null ? noPrice : formula);

export function wireJob(job: ToldJob, waitingFor: string | null): z.infer<typeof schemas.job> {
  const path = jobPath(job.id);
  const { timing, usage } = job;
  return {
    id: job.id,
    deployment: job.deployment,
    environment: job.environment,
    revision: job.revision,
    state: job.state,
    source: job.source,
    priority: job.priority,
    attempts: job.attempts,
    lost_containers: job.lostContainers,
    container: job.container,
    cancel_requested: job.cancelRequested,
    waiting_for: job.state === 'queued' ? waitingFor : null,
    created_at: wireTime(job.createdAt),
    started_at: timeOrNull(job.startedAt),
    finished_at: timeOrNull(job.finishedAt),
    deadline_at: timeOrNull(job.deadlineAt),
    inputs: job.inputs,
    outputs: job.outputs.map((output) => wireOutput(job.id, output)),
    error: job.error && wireJobError(job.error),
    timing: timing && { queue_ms: timing.queue, cold_ms: timing.cold, run_ms: timing.run, store_ms: timing.store },
    usage: usage && {
      container_seconds: usage.containerSeconds,
      share: usage.share,
      gpu: usage.gpu,
      usd: usage.usd,
      formula: priceOf(usage.usd, 'container_seconds x share x price per hour / 3600'),
    },
    webhook: job.webhook,
    urls: { self: path, events: `${path}/events`, result: `${path}/result` },
  };
}

const wireOutput = (job: string, output: Output): z.infer<typeof schemas.output> => ({
  index: output.index,
  node: output.node,
  kind: output.kind,
  mime: output.mime,
  filename: output.filename,
  bytes: output.bytes,
  asset: output.asset,
  ...(output.text === undefined ? {} : { text: output.text }),
  url: `${jobPath(job)}/outputs/${output.index}`,
});

export const wireJobError = (error: JobError): z.infer<typeof schemas.jobError> => ({
  code: error.code,
  message: error.message,
  next: errorCatalogue[error.code].next,
  node: error.node ?? null,
  class_type: error.classType ?? null,
  details: error.details ?? null,
});

export const wireAttempt = (attempt: Attempt): z.infer<typeof schemas.attempt> => ({
  number: attempt.number,
  container: attempt.container,
  started_at: wireTime(attempt.startedAt),
  ended_at: timeOrNull(attempt.endedAt),
  outcome: attempt.outcome,
  cold_ms: attempt.coldMs,
});

/** `now` bounds the seconds of a container that still lives. Its endpoint is nobody's business. */
export function wireContainer(container: ContainerRecord, now: number): z.infer<typeof schemas.container> {
  // The fleet's view has put the running stretch into busySeconds already; its container's busySince must not add it again.
  const seconds = secondsByUse({ ...container, busySince: null }, now);
  const total = seconds.starting + seconds.busy + seconds.idle;
  const usd = container.usdPerHour === null ? null : (total * container.share * container.usdPerHour) / 3600;
  return {
    id: container.id,
    deployment: container.deployment,
    environment: container.environment,
    revision: container.revision,
    runtime: container.runtime,
    state: container.state,
    host: container.host,
    device: container.device,
    gpu: container.gpu,
    share: container.share,
    started_at: wireTime(container.startedAt),
    ready_at: timeOrNull(container.readyAt),
    stopped_at: timeOrNull(container.stoppedAt),
    start_reason: container.startReason,
    stop_reason: container.stopReason,
    failure: container.failure,
    phases: container.phases.map(({ phase, from, to, detail }) => ({
      phase,
      from: wireTime(from),
      to: timeOrNull(to),
      detail: detail ? { ...detail } : null,
    })),
    jobs_done: container.jobsDone,
    seconds,
    usd_per_hour: container.usdPerHour,
    usd,
    formula: priceOf(usd, 'seconds x share x usd_per_hour / 3600'),
  };
}

export function wireDeployment(deployment: Deployment, workflow: Workflow, queue: QueueView | null): z.infer<typeof schemas.deployment> {
  return {
    name: deployment.name,
    environment: deployment.environment,
    default: deployment.default,
    revision: deployment.revision,
    scaling: formatScaling(deployment.scaling) as z.infer<typeof schemas.scaling>,
    execution_timeout: formatDuration(deployment.executionTimeoutMs),
    inputs: inputSchema(workflow),
    outputs: workflow.outputs.map(({ node, name }) => ({ node, name: name ?? null })),
    problems: deployment.problems.map((problem) => ({ ...problem })),
    queue: {
      queued: queue?.queued ?? 0,
      running: queue?.running ?? 0,
      oldest_queued_at: timeOrNull(queue?.oldestQueuedAt ?? null),
      desired_containers: queue?.desired ?? 0,
      target_containers: queue?.target ?? 0,
      held_by: queue?.heldBy ?? null,
      note: queue?.note ?? null,
    },
    url: deploymentPath(deployment),
    created_at: wireTime(deployment.createdAt),
    updated_at: wireTime(deployment.updatedAt),
  };
}

export const wireDecision = (decision: DecisionRecord): z.infer<typeof schemas.decision> => ({
  ...decision,
  at: wireTime(decision.at),
  data: snakeCase(decision.data) as Record<string, unknown>,
});

/** A decision's data with the names that everything on the wire has; it is stored as the policies read it. */
function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snakeName(name), snakeCase(inner)]));
}

const snakeName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const wireUsage = (row: UsageRow): z.infer<typeof schemas.usageRow> => ({
  deployment: row.deployment,
  gpu: row.gpu,
  starting_seconds: row.startingSeconds,
  busy_seconds: row.busySeconds,
  idle_seconds: row.idleSeconds,
  usd: row.usd,
  formula: priceOf(row.usd, 'sum over containers of seconds x share x price per hour / 3600'),
});

export const wireKey = (key: Key): z.infer<typeof schemas.key> => ({
  id: key.id,
  name: key.name,
  role: key.role,
  tail: key.tail,
  created_at: wireTime(key.createdAt),
  revoked_at: timeOrNull(key.revokedAt),
  last_used_at: timeOrNull(key.lastUsedAt),
});

export const wireDelivery = (delivery: Delivery): z.infer<typeof schemas.delivery> => ({
  id: delivery.id,
  event: delivery.event,
  url: delivery.url,
  state: delivery.state,
  tries: delivery.tries,
  next_at: delivery.state === 'pending' ? wireTime(delivery.nextAt) : null,
  last_status: delivery.lastStatus,
  last_error: delivery.lastError,
});

export type WirePlan = z.infer<typeof planSchemas.plan>;

export const wirePlan = ({ id, deployment, state, progress, createdAt, finishedAt, plan, error }: PlanRecord): WirePlan => ({
  id,
  deployment,
  state,
  progress,
  created_at: wireTime(createdAt),
  finished_at: timeOrNull(finishedAt),
  // The same, but for lists that nobody may change.
  result: plan as WirePlan['result'],
  change: plan?.recommended && isApplicable(plan) ? changeFor(plan.recommended, plan.slo) : null,
  error: error && toProblem(error),
});

const changeFor = ({ policy, settings }: PlanRun, { p, latency_s }: Plan['slo']): Record<string, unknown> =>
  wholeChange(policy, settings, { p, latencyMs: Math.round(latency_s * 1000) });
