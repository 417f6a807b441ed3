import { randomUUID } from 'node:crypto';
import { ComfyUIClient, type Prompt, type QueuePromptResult } from 'comfy-ui-client';
import type { Json } from '../../support/comfy-client.ts';
import { hostOf, runs, type Client, type Library, type Place } from './client.ts';

/** `comfy-ui-client`: the example of ComfyUI in JavaScript. It tells no progress, and sends no headers. */
export const comfyUiClient: Library = { name: 'comfy-ui-client', takesPath: true, takesKey: false, takesPreviews: true, connect };

/** It does not say which prompt its pictures are of. */
class Remembering extends ComfyUIClient {
  queued = Promise.withResolvers<string>();

  override async queuePrompt(prompt: Prompt): Promise<QueuePromptResult> {
    const result = await super.queuePrompt(prompt);
    this.queued.resolve(result.prompt_id);
    return result;
  }

  async start(graph: object): Promise<{ id: string; images: ReturnType<ComfyUIClient['getImages']> }> {
    this.queued = Promise.withResolvers();
    const images = this.getImages(graph as Prompt);
    return { images, id: await this.queued.promise };
  }
}

async function connect(place: Place): Promise<Client> {
  const client = new Remembering(hostOf(place), randomUUID());
  await client.connect();

  const ids = (entries: Json[]): string[] => entries.map((entry) => entry[1]);
  const running = async () => ids((await client.getQueue()).queue_running as Json[]);
  return {
    upload: async (picture, name) => (await client.uploadImage(picture, name)).name,
    async run(graph) {
      const { id, images } = await client.start(graph);
      const blobs = Object.values(await images).flat();
      return { id, steps: null, pictures: await Promise.all(blobs.map(async ({ blob }) => Buffer.from(await blob.arrayBuffer()))) };
    },
    async interrupt(graph) {
      const { id, images } = await client.start(graph);
      await runs(id, running);
      // It reads JSON of the answer, which ComfyUI leaves empty.
      await client.interrupt().catch((error: unknown) => {
        if (!(error instanceof SyntaxError)) throw error;
      });
      await images;
      return id;
    },
    async queue() {
      const { queue_running, queue_pending } = await client.getQueue();
      return ids([...queue_running, ...queue_pending] as Json[]);
    },
    history: async (id) => (await client.getHistory(id))[id],
    nodeInfo: async (name) => (await client.getObjectInfo(name))[name],
    close: () => client.disconnect(),
  };
}
