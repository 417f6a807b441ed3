import { randomUUID } from 'node:crypto';
import type { Graph, Json } from '../comfyui/protocol.ts';
import type { Container } from './container.ts';
import { answerEmpty, answerJson, answerRefusal, answerTrouble, readBody, readJson } from './http.ts';
import type { Call } from './http.ts';
import { str } from '../comfyui/python.ts';
import { validatePrompt } from '../comfyui/validate.ts';
import type { Refusal } from '../comfyui/validate.ts';
import { withoutSecrets } from './queue.ts';
import type { QueueItem } from './queue.ts';
import type { Handler, Routes } from './router.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A JSON object as the body; anything else is not foreseen. */
export async function fields(call: Call): Promise<Fields> {
  const body = await readJson(call);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new TypeError('the body is no object');
  return body as Fields;
}

const ids = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** The prompt's place in the queue: what the client says, else the counter, which `front` turns round. */
function numberOf(container: Container, body: Fields): number {
  if ('number' in body) {
    const wanted = Number(body['number']);
    if (Number.isNaN(wanted)) throw new TypeError('the number is none');
    return wanted;
  }
  const number = container.takeNumber();
  return body['front'] ? -number : number;
}

/** What 0.12 says of an unknown class. */
function nameMissingType(refusal: Refusal, graph: Graph): void {
  const [, id = ''] = /^Node ID '#(.*)'$/.exec(refusal.details) ?? [];
  const node = graph[id];
  if (refusal.type !== 'invalid_prompt' || node?.class_type === undefined) return;
  refusal.type = 'missing_node_type';
  const { class_type, _meta: meta } = node;
  refusal.extra_info = { node_id: id, class_type, node_title: meta?.title ?? class_type };
}

const submit: Handler<Container> = async (container, call) => {
  const body = (await readJson(call)) as Fields;
  const number = numberOf(container, body);
  if (!('prompt' in body)) return answerRefusal(call.response, 'no_prompt', 'No prompt provided', 'No prompt provided');
  const graph = body['prompt'] as Graph;
  if (typeof graph !== 'object' || graph === null) throw new TypeError('the prompt is no object');
  const targets = Array.isArray(body['partial_execution_targets']) ? ids(body['partial_execution_targets']) : null;
  const checked = validatePrompt(graph, container.definitions, container.ownCheck, targets);
  if (checked.refusal && container.version !== '0.3.64') nameMissingType(checked.refusal, graph);
  if (checked.refusal) return answerJson(call.response, { error: checked.refusal, node_errors: checked.nodeErrors }, 400);
  const prompt_id = 'prompt_id' in body ? String(body['prompt_id']) : randomUUID();
  const extra: Record<string, Json> = { ...(body['extra_data'] as Record<string, Json> | undefined) };
  if ('client_id' in body) extra['client_id'] = body['client_id'] as Json;
  if (container.version !== '0.3.64') extra['create_time'] = container.now();
  await container.submit(number, prompt_id, graph, extra, checked.outputs);
  return answerJson(call.response, { prompt_id, number, node_errors: checked.nodeErrors });
};

/** 0.3.64 shows a prompt's secrets to whoever asks. */
const queued: Handler<Container> = ({ queue, version }, { response }) => {
  const shown = (item: QueueItem): QueueItem => (version === '0.3.64' ? item : withoutSecrets(item));
  answerJson(response, { queue_running: queue.running ? [shown(queue.running)] : [], queue_pending: queue.pending.map(shown) });
};

const changeQueue: Handler<Container> = async ({ queue }, call) => {
  const body = await fields(call);
  if (body['clear']) queue.clear();
  for (const id of ids(body['delete'])) queue.delete(id);
  answerEmpty(call.response);
};

const interrupt: Handler<Container> = async (container, call) => {
  const body = await readBody(call);
  let wanted: unknown = {};
  try {
    wanted = JSON.parse(body.toString());
  } catch {
    // No JSON, or no body at all, means whatever runs.
  }
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return answerTrouble(call.response);
  const { prompt_id } = wanted as Fields;
  container.interrupt(prompt_id ? str(prompt_id) : null);
  return answerEmpty(call.response);
};

const history: Handler<Container> = ({ queue }, { query, response }) => {
  const [offset, most] = ['offset', 'max_items'].map((key) => (query.has(key) ? Number(query.get(key) || Number.NaN) : null));
  if (Number.isNaN(offset) || Number.isNaN(most)) return answerTrouble(response);
  const entries = [...queue.history];
  const from = offset ?? (typeof most === 'number' ? Math.max(0, entries.length - most) : 0);
  return answerJson(response, Object.fromEntries(entries.slice(from, typeof most === 'number' ? from + most : undefined)));
};

const historyOfOne: Handler<Container> = ({ queue }, { parameters: [id = ''], response }) => {
  const record = queue.history.get(id);
  return answerJson(response, record ? { [id]: record } : {});
};

const changeHistory: Handler<Container> = async ({ queue }, call) => {
  const body = await fields(call);
  if (body['clear']) queue.history.clear();
  for (const id of ids(body['delete'])) queue.history.delete(id);
  answerEmpty(call.response);
};

const free: Handler<Container> = async (container, call) => {
  const body = await fields(call);
  container.free({ cache: body['free_memory'] === true, models: body['unload_models'] === true });
  answerEmpty(call.response);
};

/** Prompts on their way: queue, interrupts, history. */
export const promptRoutes: Routes<Container> = {
  '/prompt': {
    GET: (container, { response }) => answerJson(response, container.status().status),
    POST: submit,
  },
  '/queue': { GET: queued, POST: changeQueue },
  '/interrupt': { POST: interrupt },
  '/history': { GET: history, POST: changeHistory },
  '/history/*': { GET: historyOfOne },
  '/free': { POST: free },
};
