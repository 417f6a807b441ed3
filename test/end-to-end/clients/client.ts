import type { Graph, Json } from '../../support/comfy-client.ts';

/** What every program does with ComfyUI. Each library is put into these words by its own means, and is otherwise as its authors wrote it. */

export interface Place {
  /** Of ComfyUI, or of a deployment: `http://HOST:PORT`, `http://HOST:PORT/d/NAME`. */
  readonly url: string;
  readonly key?: string;
}

export interface Ran {
  readonly id: string;
  /** The sampler's steps, as the library told them; null if it tells none. */
  readonly steps: readonly number[] | null;
  readonly pictures: readonly Buffer[];
}

export interface Client {
  /** The name by which graphs call the picture. */
  upload(picture: Buffer, name: string): Promise<string>;
  /** Queues a graph, follows it to its end and fetches what it made. */
  run(graph: Graph): Promise<Ran>;
  /** Queues a long graph, interrupts it once the queue has it among the running ones, and waits for its end; its id. */
  interrupt(graph: Graph): Promise<string>;
  /** Ids of what runs or waits. */
  queue(): Promise<readonly string[]>;
  /** The prompt's entry of the history. */
  history(id: string): Promise<Json>;
  /** What the server tells of a class of nodes. */
  nodeInfo(name: string): Promise<Json>;
  close(): Promise<void>;
}

export interface Library {
  readonly name: string;
  /** It can be given an address with a path. */
  readonly takesPath: boolean;
  /** It can send a header with a key. */
  readonly takesKey: boolean;
  /** If not, it mistakes them for the prompt's pictures. */
  readonly takesPreviews: boolean;
  connect(place: Place): Promise<Client>;
}

export const hostOf = ({ url }: Place): string => url.replace('http://', '');

/** Settles when the queue has the prompt among the running ones. */
export async function runs(id: string, running: () => Promise<readonly string[]>): Promise<void> {
  while (!(await running()).includes(id));
}
