import type { Graph, Json } from './protocol.ts';

/** Prompts as ComfyUI 0.12 lists them: one list over queue and history. */

/** A prompt as `/queue` shows it: `[number, prompt id, graph, extra data, output nodes]`. */
export type ListedPrompt = readonly [
  number: number,
  id: string,
  graph: Graph,
  extra: Readonly<Record<string, Json>>,
  outputs: readonly string[],
];

export interface ListedHistory {
  readonly prompt: ListedPrompt;
  readonly outputs: Readonly<Record<string, Json>>;
  readonly status: {
    readonly status_str: 'success' | 'error';
    readonly completed: boolean;
    readonly messages: readonly (readonly [string, Readonly<Record<string, unknown>>])[];
  };
}

export interface PromptList {
  readonly running: readonly ListedPrompt[];
  readonly pending: readonly ListedPrompt[];
  readonly history: ReadonlyMap<string, ListedHistory>;
}

export const jobStatuses = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
type JobStatus = (typeof jobStatuses)[number];

export interface Job {
  readonly id: string;
  readonly status: JobStatus;
  readonly priority: number;
  readonly create_time?: Json;
  readonly execution_start_time?: number;
  readonly execution_end_time?: number;
  readonly execution_error?: Record<string, unknown>;
  readonly outputs_count: number;
  readonly preview_output?: object;
  readonly workflow_id?: Json;
}

export interface JobQuery {
  readonly statuses: readonly string[] | null;
  readonly workflowId: string | null;
  readonly byDuration: boolean;
  readonly ascending: boolean;
  readonly limit: number | null;
  readonly offset: number;
}

/** Keys without a value are left out. */
const present = <T extends object>(job: T): T => Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined)) as T;

function workflowOf(extra: ListedPrompt[3]): Json | undefined {
  const workflow = (extra['extra_pnginfo'] as { workflow?: { id?: Json } } | undefined)?.workflow;
  return workflow?.id;
}

const queuedJob = ([priority, id, , extra]: ListedPrompt, status: JobStatus): Job =>
  present({ id, status, priority, create_time: extra['create_time'], outputs_count: 0, workflow_id: workflowOf(extra) } as Job);

const isObject = (value: Json): value is Record<string, Json> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** How many files and other things a prompt made, and which of them to show: an output if there is one, else the first. */
function outputsOf(outputs: ListedHistory['outputs']): { count: number; preview: object | undefined } {
  const items = Object.entries(outputs).flatMap(([nodeId, output]) =>
    Object.entries((output ?? {}) as Readonly<Record<string, Json>>).flatMap(([mediaType, list]) => {
      if (mediaType === 'animated' || !Array.isArray(list)) return [];
      return list.flatMap((item) => (isObject(item) ? [{ ...item, nodeId, mediaType }] : []));
    }),
  );
  const shown = items.filter(({ mediaType }) => ['images', 'video', 'audio', '3d', 'gifs'].includes(mediaType));
  return { count: items.length, preview: shown.find((item) => 'type' in item && item['type'] === 'output') ?? shown[0] };
}

function finishedJob({ prompt: [priority, id, , extra], outputs, status }: ListedHistory): Job {
  const times = new Map(status.messages.map(([type, data]) => [type, data]));
  const last = status.messages.at(-1);
  const failed = times.get('execution_error');
  const { count, preview } = outputsOf(outputs);
  return present({
    id,
    status: times.has('execution_interrupted') ? 'cancelled' : status.status_str === 'success' ? 'completed' : 'failed',
    priority,
    create_time: extra['create_time'],
    execution_start_time: times.get('execution_start')?.['timestamp'],
    execution_end_time: last?.[1]['timestamp'],
    execution_error: failed,
    outputs_count: count,
    preview_output: preview,
    workflow_id: workflowOf(extra),
  } as Job);
}

const duration = ({ execution_start_time: start, execution_end_time: end }: Job): number =>
  start === undefined || end === undefined ? 0 : end - start;

export function listJobs(queue: PromptList, query: JobQuery): { jobs: Job[]; total: number; more: boolean } {
  const all = [
    ...queue.running.map((item) => queuedJob(item, 'in_progress')),
    ...queue.pending.map((item) => queuedJob(item, 'pending')),
    ...[...queue.history.values()].map((record) => finishedJob(record)),
  ];
  const { statuses, workflowId, byDuration, ascending, limit, offset } = query;
  const wanted = all.filter(
    ({ status, workflow_id }) => (statuses?.includes(status) ?? true) && (workflowId === null || workflow_id === workflowId),
  );
  const key = (job: Job): number => (byDuration ? duration(job) : Number(job.create_time ?? 0));
  wanted.sort((a, b) => (ascending ? key(a) - key(b) : key(b) - key(a)));
  const end = limit === null ? wanted.length : offset + limit;
  return { jobs: wanted.slice(offset, end), total: wanted.length, more: end < wanted.length };
}

/** One job, with what it made once it has ended; null when there is none of that id. */
export function jobOf(queue: PromptList, id: string): object | null {
  const running = queue.running.find((item) => item[1] === id);
  if (running) return queuedJob(running, 'in_progress');
  const waiting = queue.pending.find((item) => item[1] === id);
  if (waiting) return queuedJob(waiting, 'pending');
  const record = queue.history.get(id);
  if (!record) return null;
  const [, , prompt, extra_data] = record.prompt;
  return { ...finishedJob(record), outputs: record.outputs, execution_status: record.status, workflow: { prompt, extra_data } };
}

const known: readonly string[] = jobStatuses;

/** A whole number of a query; null: it is not there. A text: what is wrong with it. */
function wholeNumber(query: URLSearchParams, name: string): number | null | string {
  const value = query.get(name);
  if (value === null || value === '') return null;
  return /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : `${name} must be an integer`;
}

/** What is asked for, or what is wrong with it. */
export function readJobQuery(query: URLSearchParams): JobQuery | string {
  const statuses = (query.get('status') ?? '').split(',').flatMap((status) => status.trim().toLowerCase() || []);
  const bad = statuses.filter((status) => !known.includes(status));
  if (bad.length > 0) return `Invalid status value(s): ${bad.join(', ')}. Valid values: ${known.join(', ')}`;
  const sortBy = query.get('sort_by') ?? 'created_at';
  if (sortBy !== 'created_at' && sortBy !== 'execution_duration') return "sort_by must be 'created_at' or 'execution_duration'";
  const order = query.get('sort_order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') return "sort_order must be 'asc' or 'desc'";
  const limit = wholeNumber(query, 'limit');
  if (typeof limit === 'string') return limit;
  if (limit !== null && limit < 1) return 'limit must be a positive integer';
  const offset = wholeNumber(query, 'offset');
  if (typeof offset === 'string') return offset;
  return {
    statuses: statuses.length === 0 ? null : statuses,
    workflowId: query.get('workflow_id'),
    byDuration: sortBy === 'execution_duration',
    ascending: order === 'asc',
    limit,
    offset: Math.max(0, offset ?? 0),
  };
}
