import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A client of ComfyUI, as its own example is: a socket under a client id, and plain HTTP. */

// oxlint-disable-next-line typescript/no-explicit-any -- read by name, as a program without our types would
export type Json = any;

export interface Message {
  readonly type: string;
  readonly data: Json;
}

export type Graph = Record<string, { class_type: string; inputs: Record<string, Json> }>;

export interface ClientOptions {
  readonly key?: string;
  readonly clientId?: string;
  /** `/d/NAME`, or empty for the default deployment. */
  readonly place?: string;
  /** Sent as the first message. */
  readonly features?: object;
}

export class ComfyClient {
  readonly url: string;
  readonly clientId: string;
  readonly socket: WebSocket;
  readonly heard: (Message | Buffer)[] = [];
  readonly #headers: Record<string, string>;
  #wake: () => void = () => undefined;

  private constructor(base: string, { key, clientId = '', place = '', features }: ClientOptions) {
    this.url = base + place;
    this.clientId = clientId;
    this.#headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const address = `${this.url.replace('http', 'ws')}/ws?clientId=${encodeURIComponent(clientId)}`;
    this.socket = new WebSocket(address, { headers: this.#headers });
    if (features) this.socket.on('open', () => this.socket.send(JSON.stringify({ type: 'feature_flags', data: features })));
    this.socket.on('message', (data: Buffer, isBinary) => {
      this.heard.push(isBinary ? data : (JSON.parse(data.toString()) as Message));
      this.#wake();
    });
    this.socket.on('close', () => this.#wake());
  }

  /** Connected, and greeted. */
  static async connect(url: string, options: ClientOptions = {}): Promise<ComfyClient> {
    const client = new ComfyClient(url, options);
    await once(client.socket, 'message');
    return client;
  }

  get messages(): Message[] {
    return this.heard.filter((message): message is Message => !Buffer.isBuffer(message));
  }

  get frames(): Buffer[] {
    return this.heard.filter((message) => Buffer.isBuffer(message));
  }

  /** Types of what was said of a prompt, without those that tell of speed. */
  told(promptId: string): string[] {
    return this.messages
      .filter(({ type, data }) => data.prompt_id === promptId && !type.startsWith('progress'))
      .map(({ type, data }) => (type === 'executing' ? `executing ${data.node}` : type));
  }

  /** The first message that fits, heard already or not. `tick` runs before each look. */
  async until(fits: (message: Message) => boolean, tick: () => void = () => undefined): Promise<Message> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found) return found;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`the socket closed; heard: ${JSON.stringify(this.messages)}`);
      tick();
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), new Promise((resolve) => setTimeout(resolve, 1))]);
    }
  }

  /** The end of a prompt, which all clients of ComfyUI wait for. */
  ended(promptId: string, tick?: () => void): Promise<Message> {
    return this.until(({ type, data }) => type === 'executing' && data.node === null && data.prompt_id === promptId, tick);
  }

  async submit(prompt: Graph, more: object = {}): Promise<string> {
    const { status, json } = await this.post('/prompt', { prompt, client_id: this.clientId, ...more });
    if (status !== 200) throw new Error(`refused with ${status}: ${JSON.stringify(json)}`);
    return json.prompt_id as string;
  }

  async post(path: string, body?: unknown): Promise<{ status: number; json: Json }> {
    const init = { method: 'POST', headers: this.#headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(this.url + path, init);
    const text = await answer.text();
    return { status: answer.status, json: text.startsWith('{') ? JSON.parse(text) : text };
  }

  async get(path: string): Promise<Json> {
    return (await fetch(this.url + path, { headers: this.#headers })).json();
  }

  async history(promptId: string): Promise<Json> {
    return (await this.get(`/history/${promptId}`))[promptId];
  }

  /** The bytes of each picture that a history entry names. */
  async pictures(entry: Json): Promise<Buffer[]> {
    const files = Object.values(entry.outputs as Record<string, Json>).flatMap((output) => output.images ?? []);
    return Promise.all(
      files.map(async (file: Record<string, string>) => {
        const answer = await fetch(`${this.url}/view?${new URLSearchParams(file).toString()}`, { headers: this.#headers });
        if (answer.status !== 200) throw new Error(`/view of ${JSON.stringify(file)}: ${answer.status}`);
        return Buffer.from(await answer.arrayBuffer());
      }),
    );
  }

  /** The connection breaks without a word. */
  drop(): void {
    this.socket.terminate();
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.close();
    await once(this.socket, 'close');
  }
}

/** A picture of one colour, saved. */
export const colored = (color: number, prefix = 'colored', batch = 1): Graph => ({
  1: { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: batch, color } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
});

/** So many steps of a sampler. */
export const sampled = (steps: number, seed = 1, model = 'v1-5-pruned-emaonly.safetensors'): Graph => ({
  3: {
    class_type: 'KSampler',
    inputs: {
      seed,
      steps,
      cfg: 7,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['6', 0],
      latent_image: ['5', 0],
    },
  },
  4: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: model } },
  5: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
  6: { class_type: 'CLIPTextEncode', inputs: { text: 'a regal phoenix', clip: ['4', 1] } },
  8: { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  9: { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: 'sampled' } },
});

/** Settles when everything that was sent so far has been read, and answered. */
export async function read(client: ComfyClient): Promise<void> {
  for (let round = 0; round < 2; round++) {
    client.socket.ping();
    await once(client.socket, 'pong');
  }
}

/** The clients of a test, which are dropped together. */
export class ComfyClients {
  readonly #all: ComfyClient[] = [];

  async connect(port: number, clientId: string, options: ClientOptions = {}): Promise<ComfyClient> {
    const client = await ComfyClient.connect(`http://127.0.0.1:${port}`, { clientId, ...options });
    this.#all.push(client);
    return client;
  }

  drop(): void {
    for (const client of this.#all.splice(0)) client.drop();
  }
}
