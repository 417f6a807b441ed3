import { dirname } from 'node:path/posix';
import { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import { ComfleetError } from '../errors.ts';
import { parseDefinitions } from './definitions.ts';
import { readCatalogue } from './catalogue.ts';
import { uploadName, type FileReference, type Graph, type HistoryEntry, type Json, type NodeDefinitions } from './protocol.ts';
import type { Catalogue, Endpoint, PassedAnswer, PassedRequest, Prompt } from './runner.ts';

/** An item of `/queue`: number, prompt id, graph, extra data, ids of output nodes. */
export type QueueItem = [number, string, Graph, Record<string, Json>, string[]];

export interface Queue {
  readonly running: readonly QueueItem[];
  readonly pending: readonly QueueItem[];
}

/** The routes of one ComfyUI server. All throw `container_lost` when it cannot be reached or breaks down. */
export interface ComfyHttp {
  /** Null when it was taken; else the body of the refusal. */
  submit(input: { promptId: string; clientId: string; graph: Graph; client: Prompt['client'] }): Promise<{ refused: unknown } | null>;
  queue(): Promise<Queue>;
  history(promptId: string): Promise<HistoryEntry | null>;
  /** Takes a pending prompt out of the queue; running ones stay. */
  deletePending(promptId: string): Promise<void>;
  interrupt(promptId: string): Promise<void>;
  /** Stores an asset in the input folder, in a subfolder of its own; the answer is the name by which a graph reads it. */
  upload(file: { asset: string; name: string; bytes: number; stream: Readable }): Promise<string>;
  view(file: FileReference): Promise<{ stream: Readable; mime: string }>;
  definitions(): Promise<NodeDefinitions>;
  catalogue(): Promise<Catalogue>;
  pass(request: PassedRequest): Promise<PassedAnswer>;
  close(): void;
}

const headersTimeoutMs = 30_000;
const bodyTimeoutMs = 60_000;
const connections = 32;

type Send = (method: 'GET' | 'POST', path: string, body?: { type: string; length: number; content: string | Readable }) => Promise<Answer>;
type Answer = Dispatcher.ResponseData;

/** Sends one request; failures to get an answer are `container_lost`. */
function createSend(pool: Pool, endpoint: Endpoint, base: string): Send {
  return async (method, path, body) => {
    const headers = { ...endpoint.headers, ...(body ? { 'content-type': body.type, 'content-length': String(body.length) } : {}) };
    const request = { method, path: base + path, headers, body: body?.content ?? null };
    try {
      return await pool.request(request);
    } catch (error) {
      if (method !== 'GET' || !isCutOff(error)) throw lost(endpoint, error);
    }
    // A server may close a kept connection just as it is used again. Reading twice does no harm; writing twice might.
    return pool.request(request).catch((error: unknown) => Promise.reject(lost(endpoint, error)));
  };
}

/** HTTP towards one server, over kept connections. */
export function createComfyHttp(endpoint: Endpoint): ComfyHttp {
  const pool = new Pool(new URL(endpoint.url).origin, {
    connections,
    headersTimeout: headersTimeoutMs,
    bodyTimeout: bodyTimeoutMs,
    ...(endpoint.socketPath === undefined ? {} : { socketPath: endpoint.socketPath }),
  });
  const base = new URL(endpoint.url).pathname.replace(/\/$/, '');
  const send = createSend(pool, endpoint, base);

  async function get(path: string): Promise<Answer> {
    return expectOk(await send('GET', path), endpoint, `GET ${path}`);
  }

  async function getJson(path: string): Promise<unknown> {
    return readJson(await get(path), endpoint);
  }

  async function postJson(path: string, value: unknown): Promise<Answer> {
    const content = JSON.stringify(value);
    return send('POST', path, { type: 'application/json', length: Buffer.byteLength(content), content });
  }

  /** Posts something whose answer says nothing. */
  async function tell(path: string, value: unknown): Promise<void> {
    await (await expectOk(await postJson(path, value), endpoint, `POST ${path}`)).body.dump();
  }

  return {
    async submit({ promptId, clientId, graph, client }) {
      const own = client && {
        extra_data: client.extraData,
        ...(client.outputs.length > 0 && { partial_execution_targets: client.outputs }),
      };
      const answer = await postJson('/prompt', { ...own, prompt: graph, prompt_id: promptId, client_id: clientId });
      if (answer.statusCode === 400) return { refused: await readJson(answer, endpoint) };
      await (await expectOk(answer, endpoint, 'POST /prompt')).body.dump();
      return null;
    },
    async queue() {
      const { queue_running: running, queue_pending: pending } = (await getJson('/queue')) as Record<string, QueueItem[] | undefined>;
      return { running: running ?? [], pending: pending ?? [] };
    },
    async history(promptId) {
      const entries = (await getJson(`/history/${encodeURIComponent(promptId)}`)) as Record<string, HistoryEntry | undefined>;
      return entries[promptId] ?? null;
    },
    deletePending: (promptId) => tell('/queue', { delete: [promptId] }),
    interrupt: (promptId) => tell('/interrupt', { prompt_id: promptId }),
    async upload(file) {
      const { head, tail, type } = multipart(file);
      const content = Readable.from(join(head, file.stream, tail), { objectMode: false });
      const answer = await send('POST', '/upload/image', { type, length: head.length + file.bytes + tail.length, content });
      const stored = (await readJson(await expectOk(answer, endpoint, 'POST /upload/image'), endpoint)) as {
        name: string;
        subfolder: string;
      };
      return stored.subfolder ? `${stored.subfolder}/${stored.name}` : stored.name;
    },
    async view({ filename, subfolder, type }) {
      const { body, headers } = await get(`/view?${new URLSearchParams({ filename, subfolder, type }).toString()}`);
      const mime = String(headers['content-type'] ?? 'application/octet-stream').replace(/;.*/, '');
      return { stream: Readable.from(whole(body, endpoint), { objectMode: false }), mime };
    },
    async definitions() {
      const answer = await get('/object_info');
      return answer.body
        .text()
        .then(parseDefinitions)
        .catch((error: unknown) => Promise.reject(lost(endpoint, error)));
    },
    catalogue: () => readCatalogue((path) => readIfThere(send, endpoint, path)),
    pass: (request) => pass(pool, endpoint, { ...request, path: base + request.path }),
    // Requests under way end with an error, which is what they would get from a container that is gone.
    close: () => void pool.destroy(),
  };
}

/** Null: the server has no such route. */
async function readIfThere(send: Send, endpoint: Endpoint, path: string): Promise<Json> {
  const answer = await send('GET', path);
  if (answer.statusCode === 200) return (await readJson(answer, endpoint)) as Json;
  await answer.body.dump();
  return null;
}

async function pass(pool: Pool, endpoint: Endpoint, { method, path, headers, body }: PassedRequest): Promise<PassedAnswer> {
  const request = { method, path, headers: { ...headers, ...endpoint.headers }, body };
  const answer = await pool.request(request).catch((error: unknown) => Promise.reject(lost(endpoint, error)));
  return { status: answer.statusCode, headers: answer.headers, body: answer.body };
}

async function expectOk(answer: Answer, endpoint: Endpoint, what: string): Promise<Answer> {
  if (answer.statusCode === 200) return answer;
  const text = (await answer.body.text()).slice(0, 200);
  throw new ComfleetError('container_lost', `${endpoint.url} answered ${what} with status ${answer.statusCode}. ${text}`.trim());
}

async function readJson(answer: Answer, endpoint: Endpoint): Promise<unknown> {
  try {
    return await answer.body.json();
  } catch (error) {
    throw lost(endpoint, error);
  }
}

/** The failure to reach a container, with the cause in words. */
export function lost(endpoint: Endpoint, cause: unknown): ComfleetError {
  if (cause instanceof ComfleetError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ComfleetError('container_lost', `The container at ${endpoint.url} was lost: ${reason}`, {}, { cause });
}

const isCutOff = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as { code?: string } | null)?.code ?? '');

/** The hash of the content is the boundary: no content can hold its own hash, so none can end its part early. */
function multipart(file: { asset: string; name: string }): { head: Buffer; tail: Buffer; type: string } {
  const hash = file.asset.replace(/^\w+:/, '');
  const boundary = `comfleet-${hash.slice(0, 48)}`;
  const field = (name: string, value: string): string =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const filename = file.name.replaceAll(/["\r\n\\]/g, '_');
  const part = `--${boundary}\r\ncontent-disposition: form-data; name="image"; filename="${filename}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  return {
    head: Buffer.from(field('subfolder', dirname(uploadName(file))) + field('type', 'input') + part),
    tail: Buffer.from(`\r\n--${boundary}--\r\n`),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

async function* join(head: Buffer, stream: Readable, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* stream;
  yield tail;
}

/** The body, whose breaking off in the middle means that the container was lost. */
async function* whole(body: Readable, endpoint: Endpoint): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw lost(endpoint, error);
  }
}
