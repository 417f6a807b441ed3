import { str } from '../../comfyui/python.ts';
import { ComfleetError } from '../../errors.ts';
import type { Job } from '../../jobs/job.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { answerEmpty } from './answers.ts';
import { fieldsOf, idsOf, jsonOf, Unforeseen } from './json-body.ts';
import { addNativeRoute, scopeOf, type NativeCall } from './route.ts';
import { queueItem } from './shown-history.ts';

/** What waits and what runs, in the order in which it goes. */
export async function unfinished({ store }: ApiContext, call: NativeCall): Promise<{ running: Job[]; pending: Job[] }> {
  const jobs = await store.unfinishedPrompts(scopeOf(call));
  return {
    running: jobs.filter(({ state }) => state === 'running').sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0)),
    pending: jobs.filter(({ state }) => state === 'queued').sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1)),
  };
}

/** `/queue` and `/interrupt`: of the caller's prompts alone, on whichever containers they are. */
export function addQueueRoutes(app: Api, context: ApiContext): void {
  addNativeRoute(app, context, 'GET', '/queue', async (call) => {
    const { running, pending } = await unfinished(context, call);
    return { queue_running: running.map(queueItem), queue_pending: pending.map(queueItem) };
  });
  addNativeRoute(app, context, 'POST', '/queue', async (call, request, reply) => {
    const body = fieldsOf(request);
    const ids = idsOf(body['delete']);
    if (body['clear'] || ids.length > 0) {
      const { pending } = await unfinished(context, call);
      const meant = body['clear'] ? pending : ids.flatMap((id) => newest(pending, id) ?? []);
      await Promise.all(meant.map((job) => cancel(context, job, 'queued')));
    }
    return answerEmpty(reply);
  });
  addNativeRoute(app, context, 'POST', '/interrupt', async (call, request, reply) => {
    // No JSON, or no body at all, means whatever runs.
    const body = jsonOf(request) ?? {};
    if (typeof body !== 'object' || Array.isArray(body)) throw new Unforeseen('the body is no object');
    const { prompt_id: id } = body as { prompt_id?: unknown };
    const { running } = await unfinished(context, call);
    const meant = id ? newest(running, str(id)) : running[0];
    if (meant) await cancel(context, meant, 'running');
    return answerEmpty(reply);
  });
}

/** If an id was used twice, the newest prompt answers for it. */
const newest = (jobs: readonly Job[], id: string): Job | undefined =>
  jobs.filter(({ prompt }) => prompt?.id === id).reduce<Job | undefined>((a, b) => (a && a.id > b.id ? a : b), undefined);

/** One that has ended or moved on meanwhile is not what was meant. */
async function cancel({ jobs }: ApiContext, job: Job, only: 'queued' | 'running'): Promise<void> {
  await jobs.cancel(job.id, only).catch((error: unknown) => {
    if (!(error instanceof ComfleetError) || (error.code !== 'job_finished' && error.code !== 'unknown_job')) throw error;
  });
}
