import type { Json } from '../comfyui/protocol.ts';
import type { HistoryRecord, PromptQueue, QueueItem } from './queue.ts';

/** Prompts as ComfyUI 0.12 lists them: one list over queue and history. */

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

function workflowOf(extra: QueueItem[3]): Json | undefined {
  const workflow = (extra['extra_pnginfo'] as { workflow?: { id?: Json } } | undefined)?.workflow;
  return workflow?.id;
}

const queuedJob = ([priority, id, , extra]: QueueItem, status: JobStatus): Job =>
  present({ id, status, priority, create_time: extra['create_time'], outputs_count: 0, workflow_id: workflowOf(extra) } as Job);

/** How many files and other things a prompt made, and which of them to show: an output if there is one, else the first. */
function outputsOf(outputs: HistoryRecord['outputs']): { count: number; preview: object | undefined } {
  const items = Object.entries(outputs).flatMap(([nodeId, output]) =>
    Object.entries(output).flatMap(([mediaType, list]) => {
      if (mediaType === 'animated' || !Array.isArray(list)) return [];
      return list.flatMap((item) => (typeof item === 'object' && item !== null ? [{ ...item, nodeId, mediaType }] : []));
    }),
  );
  const shown = items.filter(({ mediaType }) => ['images', 'video', 'audio', '3d', 'gifs'].includes(mediaType));
  return { count: items.length, preview: shown.find((item) => 'type' in item && item['type'] === 'output') ?? shown[0] };
}

function finishedJob({ prompt: [priority, id, , extra], outputs, status }: HistoryRecord): Job {
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

export function listJobs(queue: PromptQueue, query: JobQuery): { jobs: Job[]; total: number; more: boolean } {
  const running = queue.running ? [queuedJob(queue.running, 'in_progress')] : [];
  const all = [
    ...running,
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
export function jobOf(queue: PromptQueue, id: string): object | null {
  if (queue.running?.[1] === id) return queuedJob(queue.running, 'in_progress');
  const waiting = queue.pending.find((item) => item[1] === id);
  if (waiting) return queuedJob(waiting, 'pending');
  const record = queue.history.get(id);
  if (!record) return null;
  const [, , prompt, extra_data] = record.prompt;
  return { ...finishedJob(record), outputs: record.outputs, execution_status: record.status, workflow: { prompt, extra_data } };
}
