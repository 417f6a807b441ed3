import { CallWrapper, ComfyApi, PromptBuilder } from '@saintno/comfyui-sdk';
import type { Graph, Json } from '../../support/comfy-client.ts';
import { runs, type Client, type Library, type Place } from './client.ts';

/** `@saintno/comfyui-sdk`. */
export const saintno: Library = { name: '@saintno/comfyui-sdk', takesPath: true, takesKey: true, takesPreviews: true, connect };

/** Its builder wants to know which node is the one with the pictures. */
function builder(graph: Graph) {
  const node = Object.keys(graph).find((id) => graph[id]!.class_type === 'SaveImage');
  return new PromptBuilder(graph as Json, [], ['pictures']).setRawOutputNode('pictures', node!);
}

async function connect({ url, key }: Place): Promise<Client> {
  const credentials = key === undefined ? {} : { credentials: { type: 'bearer_token', token: key } as const };
  const api = new ComfyApi(url, undefined, credentials);
  const connected = new Promise<void>((resolve) => void api.on('connected', () => resolve()));
  await api.init().waitForReady();
  await connected;

  const ids = (entries: Json[]): string[] => entries.map((entry) => entry[1]);
  // A call listens to steps only after it has asked the history; the client does from the start.
  const steps: { prompt_id: string; value: number }[] = [];
  api.on('progress', ({ detail }) => void steps.push(detail));
  const running = async () => ids((await api.getQueue()).queue_running);
  return {
    async upload(picture, name) {
      const uploaded = await api.uploadImage(picture, name);
      if (uploaded === false) throw new Error(`${name} was not uploaded`);
      return uploaded.info.filename;
    },
    async run(graph) {
      let id = '';
      const failures: Error[] = [];
      const output: Json = await new CallWrapper(api, builder(graph))
        .onPending((promptId) => (id = promptId!))
        .onFailed((error) => void failures.push(error))
        .run();
      if (!output) throw new AggregateError(failures, `the prompt failed: ${failures.join(', ')}`);
      const pictures: Blob[] = await Promise.all(output.pictures.images.map((image: Json) => api.getImage(image)));
      return {
        id,
        steps: steps.filter(({ prompt_id }) => prompt_id === id).map(({ value }) => value),
        pictures: await Promise.all(pictures.map(async (blob) => Buffer.from(await blob.arrayBuffer()))),
      };
    },
    async interrupt(graph) {
      // Before the first step it may not listen to interrupts yet.
      const started = Promise.withResolvers<string>();
      const failed = Promise.withResolvers<Error>();
      const output = new CallWrapper(api, builder(graph))
        .onStart((id) => started.resolve(id!))
        .onFailed(failed.resolve)
        .run();
      const id = await started.promise;
      await runs(id, running);
      await api.interrupt();
      if ((await output) !== false) throw new Error(`the prompt ended with ${JSON.stringify(await output)}`);
      const { message } = await failed.promise;
      if (message !== 'The execution was interrupted!') throw new Error(`the prompt failed otherwise: ${message}`);
      return id;
    },
    async queue() {
      const { queue_running, queue_pending } = await api.getQueue();
      return ids([...queue_running, ...queue_pending]);
    },
    history: (id) => api.getHistory(id),
    nodeInfo: async (name) => (await api.getNodeDefs(name))?.[name],
    close: async () => api.destroy(),
  };
}
