import { randomUUID } from 'node:crypto';
import type { Graph, Json, NodeDefinition } from '../comfyui/protocol.ts';
import type { Container } from './container.ts';
import { modelFolderNames, withChoices } from './definitions.ts';
import { faultsSchema } from './faults.ts';
import { fileRoutes } from './file-routes.ts';
import { answerEmpty, answerJson, answerTrouble, isLoopback, readBody, readJson } from './http.ts';
import type { Call, Handler, Routes } from './http.ts';
import { str } from './python.ts';
import { serverFeatures } from './sockets.ts';
import { validatePrompt } from './validate.ts';

export const comfyuiVersion = '0.3.64';

type Fields = Readonly<Record<string, unknown>>;

/** A JSON object as the body; anything else is not foreseen. */
async function fields(call: Call): Promise<Fields> {
  const body = await readJson(call.request);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new TypeError('the body is no object');
  return body as Fields;
}

const ids = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const refusal = (type: string, message: string, details: string): unknown => ({
  error: { type, message, details, extra_info: {} },
  node_errors: {},
});

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

const submit: Handler<Container> = async (container, call) => {
  const body = (await readJson(call.request)) as Fields;
  const number = numberOf(container, body);
  if (!('prompt' in body)) return answerJson(call.response, refusal('no_prompt', 'No prompt provided', 'No prompt provided'), 400);
  const graph = body['prompt'] as Graph;
  if (typeof graph !== 'object' || graph === null) throw new TypeError('the prompt is no object');
  const targets = Array.isArray(body['partial_execution_targets']) ? ids(body['partial_execution_targets']) : null;
  const checked = validatePrompt(graph, container.definitions, container.ownCheck, targets);
  if (checked.refusal) return answerJson(call.response, { error: checked.refusal, node_errors: checked.nodeErrors }, 400);
  const prompt_id = 'prompt_id' in body ? String(body['prompt_id']) : randomUUID();
  const extra: Record<string, Json> = { ...(body['extra_data'] as Record<string, Json> | undefined) };
  if ('client_id' in body) extra['client_id'] = body['client_id'] as Json;
  await container.submit(number, prompt_id, graph, extra, checked.outputs);
  return answerJson(call.response, { prompt_id, number, node_errors: checked.nodeErrors });
};

const queued: Handler<Container> = ({ queue }, { response }) =>
  answerJson(response, { queue_running: queue.running ? [queue.running] : [], queue_pending: queue.pending });

const changeQueue: Handler<Container> = async ({ queue }, call) => {
  const body = await fields(call);
  if (body['clear']) queue.clear();
  for (const id of ids(body['delete'])) queue.delete(id);
  answerEmpty(call.response);
};

const interrupt: Handler<Container> = async (container, call) => {
  const body = await readBody(call.request);
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

const historyOfOne: Handler<Container> = ({ queue }, { parameter, response }) => {
  const record = queue.history.get(parameter);
  return answerJson(response, record ? { [parameter]: record } : {});
};

const changeHistory: Handler<Container> = async ({ queue }, call) => {
  const body = await fields(call);
  if (body['clear']) queue.history.clear();
  for (const id of ids(body['delete'])) queue.history.delete(id);
  answerEmpty(call.response);
};

/** A definition with the files of the input folder as choices, where it asks for one. */
async function current(container: Container, name: string): Promise<NodeDefinition | null> {
  const definition = Object.hasOwn(container.definitions, name) ? container.definitions[name] : undefined;
  if (!definition) return null;
  if (name !== 'LoadImage' && name !== 'LoadImageMask') return definition;
  const files = await container.files.list('input');
  return withChoices(definition, 'image', files.filter((file) => /\.(png|jpe?g|webp|gif|bmp|tiff?|avif)$/i.test(file)).sort());
}

const objectInfo: Handler<Container> = async (container, { response }) => {
  const changing = { LoadImage: await current(container, 'LoadImage'), LoadImageMask: await current(container, 'LoadImageMask') };
  answerJson(response, { ...container.definitions, ...changing });
};

const objectInfoOfOne: Handler<Container> = async (container, { parameter, response }) => {
  const definition = await current(container, parameter);
  answerJson(response, definition ? { [parameter]: definition } : {});
};

const systemStats: Handler<Container> = ({ profile }, { response }) => {
  const memory = Math.round(profile.gpu.memory_gib * 2 ** 30);
  const ram = 32 * 2 ** 30;
  const system = {
    os: 'posix',
    ram_total: ram,
    ram_free: ram,
    comfyui_version: comfyuiVersion,
    required_frontend_version: '1.27.10',
    installed_templates_version: '0.1.95',
    required_templates_version: '0.1.95',
    python_version: 'none (emulated)',
    pytorch_version: 'none (emulated)',
    embedded_python: false,
    argv: ['main.py', '--emulated'],
    comfleet: { emulated: true, profile: profile.name },
  };
  const vram = { vram_total: memory, vram_free: memory, torch_vram_total: memory, torch_vram_free: memory };
  answerJson(response, { system, devices: [{ name: `cuda:0 ${profile.gpu.model} (emulated)`, type: 'cuda', index: 0, ...vram }] });
};

const modelsOf: Handler<Container> = ({ models }, { parameter, response }) => {
  if (!modelFolderNames.includes(parameter)) return answerEmpty(response, 404);
  return answerJson(response, Object.hasOwn(models, parameter) ? models[parameter as keyof typeof models] : []);
};

const free: Handler<Container> = async (container, call) => {
  const body = await fields(call);
  container.free({ cache: body['free_memory'] === true, models: body['unload_models'] === true });
  answerEmpty(call.response);
};

/** Not ComfyUI's: so it is for programs on this machine alone, whatever name a page gives to it. */
const setFaults: Handler<Container> = async (container, call) => {
  if (!isLoopback(call.request.headers.host ?? '')) return answerEmpty(call.response, 403);
  const faults = faultsSchema.safeParse(await readJson(call.request));
  if (!faults.success) return answerJson(call.response, { error: faults.error.issues.map((issue) => issue.message) }, 400);
  container.setFaults(faults.data);
  return answerJson(call.response, container.faults);
};

const constantly =
  (value: unknown): Handler<Container> =>
  (_container, { response }) =>
    answerJson(response, value);

/** Every route but the socket's. */
export const routes: Routes<Container> = {
  '/prompt': {
    GET: (container, { response }) => answerJson(response, container.status().status),
    POST: submit,
  },
  '/queue': { GET: queued, POST: changeQueue },
  '/interrupt': { POST: interrupt },
  '/history': { GET: history, POST: changeHistory },
  '/history/*': { GET: historyOfOne },
  '/object_info': { GET: objectInfo },
  '/object_info/*': { GET: objectInfoOfOne },
  '/system_stats': { GET: systemStats },
  '/features': { GET: constantly(serverFeatures) },
  '/embeddings': { GET: constantly([]) },
  '/extensions': { GET: constantly([]) },
  '/models': { GET: constantly(modelFolderNames) },
  '/models/*': { GET: modelsOf },
  '/free': { POST: free },
  '/emulator/faults': { GET: (container, { response }) => answerJson(response, container.faults), POST: setFaults },
  ...fileRoutes,
};
