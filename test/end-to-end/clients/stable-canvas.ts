import { once } from 'node:events';
import { Client as StableCanvas } from '@stable-canvas/comfyui-client';
import { WebSocket, type ClientOptions } from 'ws';
import type { Json } from '../../support/comfy-client.ts';
import { hostOf, runs, type Client, type Library, type Place } from './client.ts';

/** `@stable-canvas/comfyui-client`. It is given `fetch` and `WebSocket`, as its README says, and these send the key. */
export const stableCanvas: Library = {
  name: '@stable-canvas/comfyui-client',
  takesPath: true,
  takesKey: true,
  takesPreviews: true,
  connect,
};

async function connect(place: Place): Promise<Client> {
  const headers: Record<string, string> = place.key === undefined ? {} : { authorization: `Bearer ${place.key}` };
  const [host, ...parts] = hostOf(place).split('/');
  const path = parts.map((part) => `/${part}`).join('');
  const request = (url: string, init: RequestInit = {}) => fetch(url, { ...init, headers: { ...(init.headers as object), ...headers } });
  const client = new StableCanvas({
    api_host: host!,
    api_base: path,
    fetch: request,
    WebSocket: class extends WebSocket {
      constructor(url: string, protocols?: string[], options?: ClientOptions) {
        // It would open its socket at the root whatever its base is.
        super(url.replace('/ws?', `${path}/ws?`), protocols, { ...options, headers });
      }
    },
  });
  await client.connect();

  const idOf = (entry: Json): string => entry[1];
  const running = async () => (await client.getQueue()).Running.map(idOf);
  const prompts = async () => (await client.getHistory()).History as Json[];
  return {
    async upload(picture, name) {
      const body = new FormData();
      body.append('image', new Blob([new Uint8Array(picture)]), name);
      return ((await (await client.fetchApi('/upload/image', { method: 'POST', body })).json()) as Json).name;
    },
    async run(graph) {
      const steps: number[] = [];
      const { images, prompt_id: id } = await client.enqueue(graph, { progress: ({ value }) => void steps.push(value) });
      // Previews are among them, as bytes.
      const urls = images.flatMap(({ type, data }) => (type === 'url' ? [data] : []));
      const pictures = await Promise.all(urls.map(async (url) => Buffer.from(await (await request(url)).arrayBuffer())));
      return { id, steps, pictures };
    },
    async interrupt(graph) {
      const interrupted = once(client.events as unknown as NodeJS.EventEmitter, 'execution_interrupted');
      const { prompt_id: id }: Json = await client.queuePrompt(0, { prompt: graph, workflow: undefined });
      await runs(id, running);
      await client.interrupt(id);
      await interrupted;
      return id;
    },
    async queue() {
      const { Running, Pending } = await client.getQueue();
      return [...Running, ...Pending].map(idOf);
    },
    history: async (id) => (await prompts()).find(({ prompt }) => idOf(prompt) === id),
    nodeInfo: async (name) => ((await client.getNodeDefs()) as Json)[name],
    close: async () => client.close(),
  };
}
