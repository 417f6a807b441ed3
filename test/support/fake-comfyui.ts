import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Graph, HistoryEntry } from '../../src/comfyui/protocol.ts';

export interface FakePrompt {
  readonly id: string;
  readonly clientId: string;
  readonly graph: Graph;
}

/** A ComfyUI server that does nothing by itself: a test takes its prompts and says what becomes of them. */
export class FakeComfyUI {
  url = '';
  readonly running: FakePrompt[] = [];
  readonly pending: FakePrompt[] = [];
  readonly history: Record<string, HistoryEntry> = {};
  readonly files = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** Name and content of each upload. */
  readonly uploads: { name: string; body: string }[] = [];
  readonly sockets = new Map<string, WebSocket>();
  readonly hellos: string[] = [];
  /** Bodies of 400s for the next prompts. */
  readonly refusals: unknown[] = [];
  /** Routes that break: status by path. */
  readonly broken = new Map<string, number>();
  /** `prompt`, `interrupt`, `socket`, and each route when it was answered. */
  readonly emitter = new EventEmitter();
  readonly #http = createServer((request, response) => void this.#answer(request, response));
  readonly #ws = new WebSocketServer({ noServer: true });

  static async start(): Promise<FakeComfyUI> {
    const fake = new FakeComfyUI();
    fake.#http.on('upgrade', (request, socket, head) => fake.#ws.handleUpgrade(request, socket, head, (ws) => fake.#connect(request, ws)));
    fake.#http.listen(0, '127.0.0.1');
    await once(fake.#http, 'listening');
    fake.url = `http://127.0.0.1:${(fake.#http.address() as AddressInfo).port}`;
    return fake;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets.values()) socket.terminate();
    this.#http.closeAllConnections();
    if (this.#http.listening) await new Promise((resolve) => this.#http.close(resolve));
  }

  /** The next prompt that comes in, put into the queue as running or pending. */
  async prompt(place: 'running' | 'pending' = 'running'): Promise<FakePrompt> {
    const [prompt] = (await once(this.emitter, 'prompt')) as [FakePrompt];
    this[place].push(prompt);
    return prompt;
  }

  /** Settles when a request to this route has been answered. */
  async asked(route: string): Promise<void> {
    await once(this.emitter, route);
  }

  send(prompt: FakePrompt, type: string, data: Record<string, unknown>): void {
    this.sockets.get(prompt.clientId)?.send(JSON.stringify({ type, data: { prompt_id: prompt.id, ...data } }));
  }

  sendImage(prompt: FakePrompt, node: string, image: string): void {
    const metadata = Buffer.from(JSON.stringify({ node_id: node, display_node_id: node, prompt_id: prompt.id, image_type: 'image/png' }));
    const head = Buffer.alloc(8);
    head.writeUInt32BE(4, 0);
    head.writeUInt32BE(metadata.length, 4);
    this.sockets.get(prompt.clientId)?.send(Buffer.concat([head, metadata, Buffer.from(image)]));
  }

  sendText(prompt: FakePrompt, node: string, text: string): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(3, 0);
    head.writeUInt32BE(node.length, 4);
    this.sockets.get(prompt.clientId)?.send(Buffer.concat([head, Buffer.from(node), Buffer.from(text)]));
  }

  /** Leaves the queue and stands in history. */
  leave(prompt: FakePrompt, outputs: HistoryEntry['outputs'], last: [string, Record<string, never>] = ['execution_success', {}]): void {
    this.drop(prompt);
    const ok = last[0] === 'execution_success';
    this.history[prompt.id] = {
      prompt: [0, prompt.id, prompt.graph, {}, []],
      outputs,
      status: { status_str: ok ? 'success' : 'error', completed: ok, messages: [['execution_start', {}], last] },
    };
  }

  /** Leaves the queue without a trace. */
  drop(prompt: FakePrompt): void {
    for (const list of [this.running, this.pending]) if (list.includes(prompt)) list.splice(list.indexOf(prompt), 1);
  }

  /** Runs to a good end, told on the socket message by message. */
  succeed(prompt: FakePrompt, node: string, output: Record<string, unknown> | null): void {
    this.send(prompt, 'execution_start', { timestamp: 1 });
    this.send(prompt, 'executing', { node, display_node: node });
    this.send(prompt, 'executed', { node, display_node: node, output });
    this.leave(prompt, { [node]: output as never });
    this.send(prompt, 'execution_success', { timestamp: 2 });
    this.send(prompt, 'executing', { node: null });
  }

  #connect(request: IncomingMessage, ws: WebSocket): void {
    const clientId = new URL(request.url ?? '', this.url).searchParams.get('clientId') ?? '';
    this.sockets.set(clientId, ws);
    ws.on('message', (data: Buffer) => this.hellos.push(data.toString()));
    ws.send(JSON.stringify({ type: 'status', data: { status: { exec_info: { queue_remaining: 0 } }, sid: clientId } }));
    this.emitter.emit('socket', clientId);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const route = `${request.method} ${pathname.replace(/^\/history\/.*/, '/history')}`;
    this.requests.push(route);
    const status = this.broken.get(pathname);
    if (status === 0) request.socket.destroy();
    else if (status !== undefined) response.writeHead(status).end('broken');
    else this.#route(route, searchParams, body, response, decodeURIComponent(pathname.split('/')[2] ?? ''));
    response.once('close', () => this.emitter.emit(route));
  }

  #route(route: string, query: URLSearchParams, body: Buffer, response: ServerResponse, id: string): void {
    const json = (value: unknown, status = 200): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const items = (prompts: FakePrompt[]): unknown[] => prompts.map((prompt) => [0, prompt.id, prompt.graph, {}, []]);
    const empty = (): void => void response.writeHead(200).end();
    switch (route) {
      case 'POST /prompt': {
        const { prompt, prompt_id, client_id, ...rest } = JSON.parse(body.toString()) as Record<string, never>;
        const refusal = this.refusals.shift();
        if (refusal !== undefined) return json(refusal, 400);
        this.emitter.emit('prompt', { id: prompt_id, clientId: client_id, graph: prompt, ...rest });
        return json({ prompt_id, number: 0, node_errors: {} });
      }
      case 'GET /queue':
        return json({ queue_running: items(this.running), queue_pending: items(this.pending) });
      case 'GET /history':
        return json(this.history[id] ? { [id]: this.history[id] } : {});
      case 'POST /queue':
        for (const deleted of (JSON.parse(body.toString()) as { delete: string[] }).delete) {
          for (const prompt of this.pending.filter((one) => one.id === deleted)) this.drop(prompt);
        }
        return empty();
      case 'POST /interrupt':
        this.emitter.emit('interrupt', (JSON.parse(body.toString()) as { prompt_id: string }).prompt_id);
        return empty();
      case 'POST /upload/image': {
        const part = (name: string): string =>
          new RegExp(`name="${name}"(?:; filename="([^"]*)")?\r\n(?:content-type.*\r\n)?\r\n([^]*?)\r\n--`).exec(body.toString('latin1'))?.[
            name === 'image' ? 1 : 2
          ] ?? '';
        this.uploads.push({ name: part('image'), body: body.toString('latin1') });
        return json({ name: part('image'), subfolder: part('subfolder'), type: 'input' });
      }
      case 'GET /view': {
        const file = this.files.get(`${query.get('subfolder')}/${query.get('filename')}`);
        return file ? void response.writeHead(200, { 'content-type': 'image/png' }).end(file) : void response.writeHead(404).end();
      }
      case 'GET /object_info':
        return json({ SaveImage: { output_node: true } });
      default:
        response.writeHead(404).end();
    }
  }
}
