import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { usualModels } from '../../src/emulator/definitions.ts';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer } from '../../src/emulator/server.ts';
import type { EmulatedServer, EmulatedServerOptions } from '../../src/emulator/server.ts';
import type { Clock, Timer } from '../../src/fleet/clock.ts';

export type TestGraph = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

export interface Entry {
  outputs: Record<string, { images?: { filename: string; subfolder: string; type: string }[]; text?: string[] }>;
  status: { status_str: string; messages: [string, Record<string, unknown>][] };
}

/** A text message, or a binary frame. */
export type Heard = Buffer | { type: string; data: Record<string, unknown> };

/** Waits take no time, and the clock shows as if they had. */
class JumpingClock implements Clock {
  #now = 1_000_000;

  now(): number {
    return this.#now;
  }

  at(at: number, fn: () => void): Timer {
    const handle = setImmediate(() => {
      this.#now = Math.max(this.#now, at);
      fn();
    });
    return { cancel: () => clearImmediate(handle) };
  }
}

export const save = (from: string): TestGraph[string] => ({ class_type: 'SaveImage', inputs: { images: [from, 0], filename_prefix: 'x' } });

export const simple = (color = 1): TestGraph => ({
  1: { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color } },
  2: save('1'),
});

export function textToImage({ seed = 1, model = usualModels.checkpoints[0] } = {}): TestGraph {
  const sampler = { seed, steps: 25, cfg: 7, sampler_name: 'euler', scheduler: 'normal', denoise: 1 };
  return {
    3: { class_type: 'KSampler', inputs: { ...sampler, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] } },
    4: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: model } },
    5: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
    6: { class_type: 'CLIPTextEncode', inputs: { text: 'a regal phoenix', clip: ['4', 1] } },
    7: { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
    8: { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    9: save('8'),
  };
}

/** Seconds from the first to the last message of a prompt, by the container's clock. */
export function seconds({ status: { messages } }: Entry): number {
  return (Number(messages.at(-1)![1]['timestamp']) - Number(messages[0]![1]['timestamp'])) / 1000;
}

/** Emulated containers on a jumping clock, with a client for the one that was started last. */
export class EmulatedWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'comfleet-emulator-'));
  readonly clock = new JumpingClock();
  readonly #pixels = new PixelPool({ threads: 1 });
  readonly #servers: EmulatedServer[] = [];
  url = '';

  async start(options: Partial<EmulatedServerOptions> = {}): Promise<EmulatedServer> {
    const { clock, folder } = this;
    const defaults = { profile: loadProfile('instant'), clock, name: 'test', folder, pixels: this.#pixels };
    const server = await startEmulatedServer({ ...defaults, ...options });
    this.#servers.push(server);
    this.url = server.url;
    return server;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#pixels.close();
    rmSync(this.folder, { recursive: true });
  }

  async submit(prompt: TestGraph, more: object = {}): Promise<string> {
    const answer = await this.post('/prompt', { prompt, ...more });
    const body = (await answer.json()) as { prompt_id: string };
    expect(answer.status, JSON.stringify(body)).toBe(200);
    return body.prompt_id;
  }

  /** The history entry, once there is one. */
  async result(id: string): Promise<Entry> {
    for (;;) {
      const history = (await (await fetch(`${this.url}/history/${id}`)).json()) as Record<string, Entry>;
      if (history[id]) return history[id];
    }
  }

  async run(graph: TestGraph, more?: object): Promise<Entry> {
    return this.result(await this.submit(graph, more));
  }

  /** The bytes of a node's first picture. */
  async view(entry: Entry, node: string): Promise<Buffer> {
    const { filename, type } = entry.outputs[node]!.images![0]!;
    return Buffer.from(await (await fetch(`${this.url}/view?filename=${filename}&type=${type}`)).arrayBuffer());
  }

  async upload(filename: string, content: Uint8Array): Promise<void> {
    const form = new FormData();
    form.append('image', new Blob([new Uint8Array(content)]), filename);
    expect((await fetch(`${this.url}/upload/image`, { method: 'POST', body: form })).status).toBe(200);
  }

  async post(path: string, body: object): Promise<Response> {
    return fetch(this.url + path, { method: 'POST', body: JSON.stringify(body) });
  }

  async get(path: string): Promise<unknown> {
    return (await fetch(this.url + path)).json();
  }

  /** Connects and has been greeted. `ended` settles at the end of a prompt or of the connection. */
  async listen(clientId: string, firstWords?: object): Promise<{ all: Heard[]; ended: Promise<void> }> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/ws?clientId=${clientId}`);
    const all: Heard[] = [];
    const ended = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer, isBinary) => {
        const message = isBinary ? data : (JSON.parse(data.toString()) as Exclude<Heard, Buffer>);
        all.push(message);
        if (!Buffer.isBuffer(message) && message.type === 'executing' && message.data['node'] === null) resolve();
      });
      socket.on('close', () => resolve());
    });
    if (firstWords) socket.on('open', () => socket.send(JSON.stringify(firstWords)));
    const greetings = firstWords ? 2 : 1;
    await new Promise<void>((resolve) => socket.on('message', () => all.length >= greetings && resolve()));
    return { all, ended };
  }
}
