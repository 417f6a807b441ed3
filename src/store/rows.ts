import type { Attempt, Job, JobError, JobEvent, JobRequest, JobState, Output, PromptHistory, Timing, Usage } from '../jobs/job.ts';
import { promptIdOf } from '../jobs/job.ts';
import { workflowClass } from '../fleet/learning/workflow-class.ts';
import type { Arrival, AttemptResult, Caller, DecisionRecord, Delivery, EndedPrompt, NamedFile } from './store.ts';

/*
 * Between the port's values and rows. It happens on the caller's side: rows are flat and their JSON is text already, which
 * crosses to another thread for far less than nested objects.
 */

/** The long part of a job that never changes. */
type Content = Pick<JobRequest, 'number' | 'prompt' | 'inputs' | 'graph' | 'files' | 'outputNodes'>;

/** A job as it is read: the columns of `jobs` with the content beside them. */
export interface JobRow {
  num: number;
  id: string;
  workspace: string;
  environment: string;
  deployment: string;
  revision: string;
  source: string;
  key_id: string | null;
  priority: number;
  model_key: string;
  deadline_at: number | null;
  execution_timeout_ms: number;
  webhook: string | null;
  state: string;
  cancel_requested: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  attempts: number;
  lost_containers: number;
  token: number;
  container: string | null;
  error: string | null;
  outputs: string;
  timing: string | null;
  usage: string | null;
  content: string;
}

/** What `submit` writes. */
export interface NewJobRow {
  id: string;
  at: number;
  workspace: string;
  environment: string;
  deployment: string;
  revision: string;
  source: string;
  key: string | null;
  priority: number;
  modelKey: string;
  deadlineAt: number | null;
  executionTimeoutMs: number;
  webhook: string | null;
  workflowClass: string;
  content: string;
  /** Ids of the assets that it reads. */
  assets: string[];
  idempotency: { key: string; bodyHash: string } | null;
  /** Of a ComfyUI client. */
  prompt: { id: string; client: string | null } | null;
}

/** What `finishAttempt` writes. */
export interface AttemptResultRow {
  job: string;
  token: number;
  at: number;
  state: AttemptResult['state'];
  outputs: string;
  assets: { id: string; bytes: number }[];
  error: string | null;
  code: string | null;
  history: string | null;
  timing: string;
  usage: string;
  gpuMs: number | null;
}

export interface AttemptRow {
  job: string;
  number: number;
  token: number;
  container: string;
  epoch: number;
  started_at: number;
  ended_at: number | null;
  outcome: string;
  cold_ms: number;
}

export interface EventRow {
  seq: number;
  at: number;
  type: string;
  data: string;
}

export interface DecisionRow {
  seq: number;
  at: number;
  deployment: string;
  environment: string;
  kind: string;
  reason: string;
  data: string;
  hash: string;
}

export interface NamedFileRow {
  type: string;
  subfolder: string;
  filename: string;
  asset: string;
  mime: string;
  bytes: number;
}

export interface DeliveryRow {
  id: string;
  job: string;
  url: string;
  event: string;
  state: string;
  tries: number;
  next_at: number;
  last_status: number | null;
  last_error: string | null;
  created_at: number;
}

export function newJobRow(input: { id: string; at: number; request: JobRequest }): NewJobRow {
  const { request } = input;
  const { number, prompt, inputs, graph, files, outputNodes } = request;
  const content: Content = { number, prompt, inputs, graph, files, outputNodes };
  return {
    id: input.id,
    at: input.at,
    workspace: request.workspace,
    environment: request.environment,
    deployment: request.deployment,
    revision: request.revision,
    source: request.source,
    key: request.key,
    priority: request.priority,
    modelKey: request.modelKey,
    deadlineAt: request.deadlineAt,
    executionTimeoutMs: request.executionTimeoutMs,
    webhook: request.webhook,
    workflowClass: workflowClass(request.graph),
    content: JSON.stringify(content),
    assets: request.files.map((file) => file.asset),
    idempotency: request.idempotency,
    prompt: prompt && { id: prompt.id, client: prompt.clientId },
  };
}

/** The job that an accepted submission makes; the same as reading it back, without reading. */
export function acceptedJob(input: { id: string; at: number; request: JobRequest }): Job {
  const { idempotency: _, ...request } = input.request;
  return {
    ...request,
    id: input.id,
    state: 'queued',
    cancelRequested: false,
    createdAt: input.at,
    startedAt: null,
    finishedAt: null,
    attempts: 0,
    lostContainers: 0,
    token: 0,
    container: null,
    error: null,
    outputs: [],
    timing: null,
    usage: null,
  };
}

export function resultRow(result: AttemptResult): AttemptResultRow {
  return {
    job: result.job,
    token: result.token,
    at: result.at,
    state: result.state,
    outputs: JSON.stringify(result.outputs),
    assets: result.outputs.flatMap((output) => (output.asset === null ? [] : [{ id: output.asset, bytes: output.bytes }])),
    error: result.error && JSON.stringify(result.error),
    code: result.error && result.error.code,
    history: result.history && JSON.stringify(result.history),
    timing: JSON.stringify(result.timing),
    usage: JSON.stringify(result.usage),
    gpuMs: result.gpuMs,
  };
}

const parsed = (json: string | null): unknown => (json === null ? null : JSON.parse(json));

/** Jobs of before there were ComfyUI clients have neither number nor prompt. */
const older = { number: 0, prompt: null };
const contentOf = ({ content }: JobRow): Content => ({ ...older, ...(JSON.parse(content) as Content) });

export function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    workspace: row.workspace,
    environment: row.environment,
    deployment: row.deployment,
    revision: row.revision,
    source: row.source as Job['source'],
    key: row.key_id,
    priority: row.priority,
    ...contentOf(row),
    modelKey: row.model_key,
    deadlineAt: row.deadline_at,
    executionTimeoutMs: row.execution_timeout_ms,
    webhook: row.webhook,
    state: row.state as JobState,
    cancelRequested: row.cancel_requested === 1,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    attempts: row.attempts,
    lostContainers: row.lost_containers,
    token: row.token,
    container: row.container,
    error: parsed(row.error) as JobError | null,
    outputs: JSON.parse(row.outputs) as Output[],
    timing: parsed(row.timing) as Timing | null,
    usage: parsed(row.usage) as Usage | null,
  };
}

/** A job with what its container said of the prompt. */
export type PromptRow = JobRow & { history: string | null };

export const promptOf = (row: PromptRow): EndedPrompt => ({ job: jobOf(row), history: parsed(row.history) as PromptHistory | null });

export function attemptOf(row: AttemptRow): Attempt {
  return {
    job: row.job,
    number: row.number,
    token: row.token,
    container: row.container,
    promptId: promptIdOf(row.job, row.token),
    epoch: row.epoch,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome as Attempt['outcome'],
    coldMs: row.cold_ms,
  };
}

/** A job as a trace tells it. */
export interface ArrivalRow {
  num: number;
  created_at: number;
  gpu_ms: number | null;
  workflow_class: string;
  model_key: string;
  key_id: string | null;
  state: string;
  finished_at: number | null;
}

export function arrivalOf(row: ArrivalRow): Arrival {
  return {
    place: { at: row.created_at, num: row.num },
    at: row.created_at,
    gpuMs: row.gpu_ms,
    workflow: row.workflow_class,
    modelKey: row.model_key,
    key: row.key_id,
    state: row.state as JobState,
    finishedAt: row.finished_at,
  };
}

export function eventOf(job: string, row: EventRow): JobEvent {
  return { job, seq: row.seq, at: row.at, type: row.type as JobEvent['type'], data: JSON.parse(row.data) as JobEvent['data'] };
}

export function decisionOf(row: DecisionRow): DecisionRecord {
  return { ...row, kind: row.kind as DecisionRecord['kind'], data: JSON.parse(row.data) as DecisionRecord['data'] };
}

export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    job: row.job,
    url: row.url,
    event: row.event,
    state: row.state as Delivery['state'],
    tries: row.tries,
    nextAt: row.next_at,
    lastStatus: row.last_status,
    lastError: row.last_error,
    createdAt: row.created_at,
  };
}

/** Rows of files say "no key" with an empty text, because a primary key takes nulls for different. */
export const callerRow = ({ workspace, key }: Caller): { workspace: string; caller: string } => ({ workspace, caller: key ?? '' });

export const namedFileOf = (row: NamedFileRow): NamedFile => ({ ...row, type: row.type as NamedFile['type'] });
