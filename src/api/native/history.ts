import type { FastifyReply } from 'fastify';
import { listJobs, jobOf, readJobQuery, type PromptList } from '../../comfyui/prompt-list.ts';
import type { Job } from '../../jobs/job.ts';
import type { EndedPrompt } from '../../store/store.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { answerEmpty } from './answers.ts';
import { fieldsOf, idsOf, Unforeseen } from './json-body.ts';
import { unfinished } from './queue.ts';
import { addNativeRoute, parameter, queryOf, scopeOf, type NativeCall } from './route.ts';
import { historyEntry, queueItem, type HistoryEntry } from './shown-history.ts';

/** So many prompts at most an answer tells of: graphs are long, and clients that want older ones say `offset`. */
const mostEntries = 1_000;
/** And so many bytes of them, as they are stored: a prompt may be long, and an answer is made whole, several times as large. */
const mostBytes = 64 * 1024 * 1024;

/** `/history`, and the list of ComfyUI 0.12 over queue and history, `/api/jobs`. */
export function addHistoryRoutes(app: Api, context: ApiContext): void {
  addNativeRoute(app, context, 'GET', '/history', async (call, request, reply) => {
    const most = wholeNumber(queryOf(request, 'max_items'));
    const offset = wholeNumber(queryOf(request, 'offset'));
    const limit = Math.min(Math.max(0, most ?? mostEntries), mostEntries);
    const from = offset !== null && offset >= 0 ? offset : null;
    const entries = await context.store.endedPrompts({ ...scopeOf(call), limit, offset: from, maxBytes: mostBytes });
    return sendEntries(reply, entries);
  });
  addNativeRoute(app, context, 'GET', '/history/:promptId', async (call, request, reply) => {
    const found = await context.store.jobOfPrompt({ ...scopeOf(call), promptId: parameter(request, 'promptId') });
    return sendEntries(reply, found?.listed ? [found] : []);
  });
  addNativeRoute(app, context, 'POST', '/history', async (call, request, reply) => {
    const body = fieldsOf(request);
    const promptIds = idsOf(body['delete']);
    if (body['clear']) await context.store.forgetPrompts({ ...scopeOf(call), promptIds: null });
    else if (promptIds.length > 0) await context.store.forgetPrompts({ ...scopeOf(call), promptIds });
    return answerEmpty(reply);
  });
  addJobList(app, context);
}

/** As Python's `int` reads it. Error: `Unforeseen`. */
function wholeNumber(text: string | null): number | null {
  if (text === null) return null;
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new Unforeseen('a number of the query is none');
  const number = Number(text);
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(number, Number.MAX_SAFE_INTEGER));
}

/** By hand, since an object of JavaScript would put ids that look like numbers first. The newest prompt answers for an id. */
function sendEntries(reply: FastifyReply, prompts: readonly EndedPrompt[]): FastifyReply {
  const entries = new Map<string, HistoryEntry>();
  for (const { job, history } of prompts) entries.set(job.prompt?.id ?? '', historyEntry(job, history));
  const text = [...entries].map(([id, entry]) => `${JSON.stringify(id)}:${JSON.stringify(entry)}`).join(',');
  return reply.type('application/json; charset=utf-8').send(`{${text}}`);
}

function addJobList(app: Api, context: ApiContext): void {
  const places = ['/api', '/d/:target/api'];
  addNativeRoute(
    app,
    context,
    'GET',
    '/jobs',
    async (call, request, reply) => {
      const query = readJobQuery(new URLSearchParams(request.query as Record<string, string>));
      if (typeof query === 'string') return reply.code(400).send({ error: query });
      const { jobs, total, more } = listJobs(await promptList(context, call), query);
      return { jobs, pagination: { offset: query.offset, limit: query.limit, total, has_more: more } };
    },
    places,
  );
  addNativeRoute(
    app,
    context,
    'GET',
    '/jobs/:promptId',
    async (call, request, reply) => {
      const job = jobOf(await promptList(context, call), parameter(request, 'promptId'));
      return job ?? reply.code(404).send({ error: 'Job not found' });
    },
    places,
  );
}

async function promptList(context: ApiContext, call: NativeCall): Promise<PromptList> {
  const { running, pending } = await unfinished(context, call);
  const ended = await context.store.endedPrompts({ ...scopeOf(call), limit: mostEntries, offset: null, maxBytes: mostBytes });
  return {
    running: running.map(datedItem),
    pending: pending.map(datedItem),
    history: new Map(ended.map(({ job, history }) => [job.prompt?.id ?? '', { ...historyEntry(job, history), prompt: datedItem(job) }])),
  };
}

/** ComfyUI 0.12 notes beside a prompt when it came. */
function datedItem(job: Job): ReturnType<typeof queueItem> {
  const [number, id, graph, extra, outputs] = queueItem(job);
  return [number, id, graph, { ...extra, create_time: Math.floor(job.createdAt) }, outputs];
}
