/**
 * `preview-servers.ts COUNT`: just enough of so many ComfyUI servers, all in one process; their URLs as JSON on standard output. The emulated
 * ones draw their previews, which 800 a second would cost more cores than a bench has. Each message says when it was sent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { crc32, deflateSync } from 'node:zlib';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Graph, HistoryEntry, Json } from '../../src/comfyui/protocol.ts';
import { stamp, stampPicture } from './stamp.ts';
import { previewerClass, previewNodes } from './workflows.ts';

interface Client {
  readonly socket: WebSocket;
  takesMetadata: boolean;
}

interface Item {
  readonly id: string;
  readonly clientId: string;
  readonly graph: Graph;
}

interface PromptBody {
  readonly prompt: Graph;
  readonly prompt_id?: string;
  readonly client_id?: string;
}

const stepMs = 40;
/** Histories that are kept: whoever wants one asks soon. */
const keep = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function binary(kind: number, second: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(kind, 0);
  head.writeUInt32BE(second, 4);
  return Buffer.concat([head, ...parts]);
}

/** One pixel, and its own name, so that no two files are the same. */
function picture(name: string): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const [body, frame] = [Buffer.concat([Buffer.from(type), data]), Buffer.alloc(8)];
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const head = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const chunks = [chunk('IHDR', head), chunk('tEXt', Buffer.from(`Title\0${name}`)), chunk('IDAT', deflateSync(Buffer.alloc(2)))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

/** One server: its queue, its one executor, and its sockets. */
class PreviewServer {
  readonly #clients = new Map<string, Client>();
  readonly #history = new Map<string, HistoryEntry>();
  readonly #pending: Item[] = [];
  #running: Item | null = null;
  #saved = 0;

  join(socket: WebSocket, clientId: string): void {
    const client: Client = { socket, takesMetadata: false };
    this.#clients.set(clientId, client);
    socket.on('message', (data: Buffer) => (client.takesMetadata ||= data.includes('supports_preview_metadata')));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      if (this.#clients.get(clientId) === client) this.#clients.delete(clientId);
    });
    socket.send(JSON.stringify({ type: 'status', data: { ...this.#status(), sid: clientId } }));
  }

  async answer(request: IncomingMessage): Promise<Json | Buffer | undefined> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const [, route, id = ''] = pathname.split('/');
    if (route === 'prompt' && request.method === 'POST') return this.#take((await json(request)) as PromptBody);
    if (route === 'queue') return { queue_running: items(this.#running ? [this.#running] : []), queue_pending: items(this.#pending) };
    if (route === 'history') return this.#history.has(id) ? { [id]: this.#history.get(id) as unknown as Json } : {};
    if (route === 'view') return picture(searchParams.get('filename') ?? '');
    if (route === 'object_info') return previewNodes as unknown as Json;
    if (route === 'system_stats') return { system: {}, devices: [] };
    return undefined;
  }

  #take({ prompt: graph, prompt_id: id = `${stamp()}`, client_id: clientId = '' }: PromptBody): Json {
    this.#pending.push({ id, clientId, graph });
    this.#tellAll();
    if (!this.#running) void this.#work();
    return { prompt_id: id, number: 0, node_errors: {} };
  }

  async #work(): Promise<void> {
    for (let item = this.#pending.shift(); item; item = this.#pending.shift()) {
      this.#running = item;
      await this.#run(item);
      this.#running = null;
      this.#tellAll();
      this.#send(item, 'executing', { node: null });
    }
  }

  /** In ComfyUI's order. */
  async #run(item: Item): Promise<void> {
    const { id, graph } = item;
    const messages: HistoryEntry['status']['messages'] = [];
    const note = (type: string, data: Record<string, Json>): void => void messages.push([type, this.#send(item, type, data)]);
    const outputs: HistoryEntry['outputs'] = {};
    note('execution_start', {});
    note('execution_cached', { nodes: [] });
    for (const [node, { class_type, inputs }] of Object.entries(graph)) {
      this.#progress(item, node, 0, 1);
      this.#send(item, 'executing', { node, display_node: node });
      if (class_type === previewerClass) await this.#preview(item, node, inputs as unknown as Record<'steps' | 'bytes' | 'text', number>);
      if (class_type !== 'SaveImage') continue;
      const filename = `${inputs['filename_prefix'] as string}_${++this.#saved}_.png`;
      outputs[node] = { images: [{ filename: filename.split('/').at(-1)!, subfolder: '', type: 'output' }] };
      this.#send(item, 'executed', { node, display_node: node, output: outputs[node] });
      this.#progress(item, node, 1, 1);
    }
    note('execution_success', {});
    const status = { status_str: 'success', completed: true, messages } as const;
    this.#history.set(id, { prompt: [0, id, graph, {}, Object.keys(outputs)], outputs, status });
    if (this.#history.size > keep) this.#history.delete(this.#history.keys().next().value!);
  }

  async #preview(item: Item, node: string, { steps, bytes, text }: Record<'steps' | 'bytes' | 'text', number>): Promise<void> {
    const client = this.#clients.get(item.clientId);
    for (let value = 1; value <= steps; value++) {
      await pause(stepMs);
      this.#progress(item, node, value, steps);
      const image = Buffer.alloc(bytes, 0xd8);
      stampPicture(image);
      if (client?.takesMetadata) {
        const about = Buffer.from(JSON.stringify({ node_id: node, display_node_id: node, prompt_id: item.id, image_type: 'image/jpeg' }));
        client.socket.send(binary(4, about.length, about, image));
      }
      this.#send(item, 'progress', { value, max: steps, node });
      if (client && !client.takesMetadata) client.socket.send(binary(1, 1, image));
    }
    if (text > 0) client?.socket.send(binary(3, node.length, Buffer.from(node), Buffer.alloc(text, 'x')));
  }

  #progress(item: Item, node_id: string, value: number, max: number): void {
    const state = value === max ? 'finished' : 'running';
    const ids = { node_id, prompt_id: item.id, display_node_id: node_id, parent_node_id: null, real_node_id: node_id };
    this.#send(item, 'progress_state', { nodes: { [node_id]: { value, max, state, ...ids } } });
  }

  #send({ id, clientId }: Item, type: string, data: Record<string, Json>): Record<string, Json> {
    const sent = { prompt_id: id, ...data, sent_at: stamp() };
    this.#clients.get(clientId)?.socket.send(JSON.stringify({ type, data: sent }));
    return sent;
  }

  #status(): Record<string, Json> {
    return { status: { exec_info: { queue_remaining: this.#pending.length + (this.#running ? 1 : 0) } } };
  }

  #tellAll(): void {
    const message = JSON.stringify({ type: 'status', data: this.#status() });
    for (const { socket } of this.#clients.values()) socket.send(message);
  }
}

const items = (list: readonly Item[]): Json => list.map(({ id, graph }) => [0, id, graph as unknown as Json, {}, []]);

function end(response: ServerResponse, answer: Json | Buffer | undefined): void {
  const [type, body] = Buffer.isBuffer(answer) ? ['image/png', answer] : ['application/json', JSON.stringify(answer ?? {})];
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

async function start(): Promise<string> {
  const one = new PreviewServer();
  const server = createServer((request, response) => void one.answer(request).then((answer) => end(response, answer)));
  const sockets = new WebSocketServer({ server, clientTracking: false, perMessageDeflate: false });
  sockets.on('connection', (socket, { url }) =>
    one.join(socket, new URL(url ?? '', 'http://localhost').searchParams.get('clientId') ?? ''),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const count = Number(process.argv[2]);
process.stdout.write(`${JSON.stringify(await Promise.all(Array.from({ length: count }, start)))}\n`);
