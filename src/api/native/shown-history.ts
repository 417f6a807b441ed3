import type { Json } from '../../comfyui/protocol.ts';
import type { ListedHistory, ListedPrompt } from '../../comfyui/prompt-list.ts';
import type { Job, PromptHistory, ToldJob } from '../../jobs/job.ts';

/** What of a job a ComfyUI client gets to see: pure, so that its sockets and its history tell the same. */

/** For the container alone. */
const secrets: ReadonlySet<string> = new Set(['auth_token_comfy_org', 'api_key_comfy_org']);

/** The prompt as `/queue` and `/history` show it. */
export function queueItem({ number, graph, prompt }: Job): ListedPrompt {
  const { id = '', extraData = {}, outputs = [] } = prompt ?? {};
  return [number, id, graph, Object.fromEntries(Object.entries(extraData).filter(([key]) => !secrets.has(key))), outputs];
}

export interface HistoryEntry extends ListedHistory {
  readonly meta: PromptHistory['meta'];
}

export function historyEntry(job: Job, said: PromptHistory | null): HistoryEntry {
  const { outputs, status, meta } = shownHistory(job, said);
  return { prompt: queueItem(job), outputs, status: status as unknown as ListedHistory['status'], meta };
}

/** The container's word on how a job ended, by the type of its last message. */
const words: Readonly<Record<string, readonly string[]>> = {
  succeeded: ['execution_success'],
  canceled: ['execution_interrupted'],
  workflow_error: ['execution_error', 'execution_interrupted'],
  out_of_memory: ['execution_error'],
};

/**
 * What the container said, where its word and the job's end are the same thing. An end that the container knows nothing of (a deadline, lost
 * containers, a trouble in comfleet) is told as an `execution_error` whose type names it, so that clients show the reason.
 */
export function shownHistory(job: ToldJob, said: PromptHistory | null): PromptHistory {
  const last = lastMessage(said);
  const wanted = words[job.state === 'failed' ? (job.error?.code ?? '') : job.state];
  if (said && last && wanted?.includes(last[0])) return said;
  const [type, data] = ending(job);
  const completed = job.state === 'succeeded';
  const before = ((said?.status.messages ?? []) as [string, Json][]).filter(
    ([name]) => name === 'execution_start' || name === 'execution_cached',
  );
  return {
    outputs: said?.outputs ?? {},
    meta: said?.meta ?? {},
    status: { status_str: completed ? 'success' : 'error', completed, messages: [...before, [type, data]] },
  };
}

/** The last message of a history: how it ended. */
export function lastMessage(history: PromptHistory | null): [string, Readonly<Record<string, Json>>] | null {
  return (history?.status.messages.at(-1) as [string, Readonly<Record<string, Json>>] | undefined) ?? null;
}

function ending({ state, prompt, finishedAt, error }: ToldJob): [string, Record<string, Json>] {
  const moment = { prompt_id: prompt?.id ?? '', timestamp: Math.floor(finishedAt ?? 0) };
  if (state === 'succeeded') return ['execution_success', moment];
  const where = { node_id: error?.node ?? null, node_type: error?.classType ?? null, executed: [] };
  if (state === 'canceled') return ['execution_interrupted', { ...moment, ...where }];
  const { code = 'internal', message = '' } = error ?? {};
  const exception = { exception_message: `${message}\n`, exception_type: `comfleet.${code}`, traceback: [] };
  return ['execution_error', { ...moment, ...where, ...exception, current_inputs: {}, current_outputs: [] }];
}
