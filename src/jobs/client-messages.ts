import type { Assets } from '../assets/assets.ts';
import type { Bus } from '../bus/bus.ts';
import { promptsTopic, type PromptBusEvent } from '../bus/events.ts';
import { fileReference, uploadFolder, uploadName, type FileReference, type HistoryEntry, type Json } from '../comfyui/protocol.ts';
import type { ClientMessage, PromptEvent } from '../comfyui/runner.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';
import type { NamedFile, Store, UnnamedOutput } from '../store/store.ts';
import type { FetchedFile, Fetcher } from './fetcher.ts';
import type { ClientPrompt, Job, PromptHistory } from './job.ts';
import { namesSize, savedName, type Picture } from './saved-name.ts';

export interface ClientMessagesDependencies {
  readonly store: Pick<Store, 'nameOutputs'>;
  readonly assets: Pick<Assets, 'read'>;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly fetcher: Fetcher;
  readonly log: { warn(fields: object, text: string): void };
}

type UiOutput = Readonly<Record<string, Json>>;

/** The end is told when it is stored, and then from the history. */
const endings: ReadonlySet<string> = new Set(['execution_success', 'execution_error', 'execution_interrupted']);

/**
 * One attempt of a ComfyUI client's prompt in the client's own words: its prompt id, and names of files in its own folders. What a message
 * tells of can be had when it goes out: files are fetched and named first, and what was heard later waits, so the order stays.
 */
export class ClientMessages {
  readonly #deps: ClientMessagesDependencies;
  readonly #job: Job;
  readonly #prompt: ClientPrompt;
  /** The container's prompt id. */
  readonly #promptId: string;
  /** What nodes were told to have made, by node: as the container said it, and in the client's words. */
  readonly #told = new Map<string, { said: string; output: UiOutput }>();
  /** The last thing that goes out in order; null when all has. */
  #last: Promise<void> | null = null;
  #silent = false;

  constructor(deps: ClientMessagesDependencies, job: Job & { readonly prompt: ClientPrompt }, promptId: string) {
    this.#deps = deps;
    this.#job = job;
    this.#prompt = job.prompt;
    this.#promptId = promptId;
  }

  hear(event: PromptEvent): void {
    if (event.type === 'text') {
      this.#inOrder(() => this.#publish({ kind: 'text', job: this.#job, node: event.node, text: event.text }));
    } else if (event.type === 'preview') {
      const { mime, image, node } = event;
      const metadata = { node_id: node, display_node_id: node, ...event.metadata, prompt_id: this.#prompt.id, image_type: mime };
      this.#inOrder(() => this.#publish({ kind: 'preview', job: this.#job, mime, image, metadata }));
    } else if (event.type === 'message') this.#hearMessage(event.message);
  }

  /** Nothing goes out any more: the attempt was lost, and the client hears of the next one. */
  fallSilent(): void {
    this.#silent = true;
  }

  /** Settles when all that was heard has gone out. */
  async settled(): Promise<void> {
    while (this.#last) await this.#last;
  }

  /**
   * What the container's history says. Files that no message told of are fetched now; with `whole` one that cannot be had is an error,
   * else its node is left out. Errors: `container_lost`, and those of storing files.
   */
  async history(entry: HistoryEntry, { whole }: { whole: boolean }): Promise<PromptHistory> {
    const outputs: Record<string, Json> = {};
    for (const [node, output] of Object.entries(entry.outputs)) {
      try {
        outputs[node] = output && (await this.#named(node, output, entry.meta?.[node]?.display_node));
      } catch (error) {
        if (whole || !(error instanceof ComfleetError) || error.code !== 'container_lost') throw error;
      }
    }
    const { status_str, completed, messages } = entry.status;
    const status = { status_str, completed, messages: this.#own(messages) as Json[] };
    return { outputs, meta: entry.meta ?? {}, status };
  }

  #hearMessage({ type, data }: ClientMessage): void {
    if (endings.has(type) || (type === 'executing' && data['node'] === null)) return;
    const own = this.#own({ ...data }) as UiOutput;
    const { node, display_node: display, output } = data;
    if (type !== 'executed' || typeof node !== 'string' || typeof output !== 'object' || output === null || Array.isArray(output)) {
      this.#inOrder(() => this.#publish({ kind: 'message', job: this.#job, message: { type, data: own } }));
      return;
    }
    // Fetched at once, but named and told in its turn: numbers rise in the order of messages.
    for (const { file } of filesIn(output)) this.#deps.fetcher.fetch(file).catch(() => undefined);
    this.#inOrder(async () => {
      const named = await this.#named(node, output, typeof display === 'string' ? display : undefined);
      this.#publish({ kind: 'message', job: this.#job, message: { type, data: { ...own, output: named } } });
    });
  }

  #inOrder(step: () => void | Promise<void>): void {
    const work = this.#last ? this.#last.then(step) : step();
    if (!work) return;
    // A file that cannot be had now is asked for again at the end, and its message is then told from the history.
    const settled: Promise<void> = work.catch((error: unknown) => {
      this.#deps.log.warn({ event: 'message_lost', job_id: this.#job.id, err: error }, 'a message for a ComfyUI client came to nothing');
    });
    this.#last = settled.then(() => {
      if (this.#last === last) this.#last = null;
    });
    const last = this.#last;
  }

  /** A node's output with the client's names of its files, which are in the assets then. */
  async #named(node: string, output: UiOutput, displayNode = node): Promise<UiOutput> {
    const said = JSON.stringify(output);
    const told = this.#told.get(node);
    if (told?.said === said) return told.output;
    const found = filesIn(output);
    const unnamed = await Promise.all(found.map((place) => this.#unnamed(node, displayNode, place)));
    const { store, clock } = this.#deps;
    const { id: job, workspace, key } = this.#job;
    const names = unnamed.length > 0 ? await store.nameOutputs({ caller: { workspace, key }, job, at: clock.now(), outputs: unnamed }) : [];
    const named = withNames(output, found, names);
    this.#told.set(node, { said, output: named });
    return named;
  }

  async #unnamed(node: string, displayNode: string, { key, index, file }: Place): Promise<UnnamedOutput> {
    const { graph } = this.#job;
    const fetched = await this.#deps.fetcher.fetch(file);
    const picture = namesSize(graph, displayNode) ? await this.#sizeOf(fetched) : null;
    const name = savedName({ graph, node: displayNode, file, at: this.#deps.clock.now(), picture });
    // What a container shows of its own input folder is none of the caller's inputs.
    const type = file.type === 'input' ? 'temp' : file.type;
    return { ...fetched, ...name, type, node, key, index };
  }

  /** From the head of a PNG, the only kind that ComfyUI numbers by its size. */
  async #sizeOf({ asset, mime }: FetchedFile): Promise<Picture | null> {
    if (mime !== 'image/png') return null;
    const { stream } = await this.#deps.assets.read(asset, { start: 16, end: 23 });
    const head = Buffer.concat((await stream.toArray()) as Buffer[]);
    return head.length < 8 ? null : { width: head.readUInt32BE(0), height: head.readUInt32BE(4) };
  }

  /** The container's prompt id, and the names under which it has the client's files, wherever they stand, as the client has them. */
  #own(value: Json): Json {
    if (value === this.#promptId) return this.#prompt.id;
    if (typeof value === 'string') return this.#job.files.length === 0 ? value : this.#withOwnFiles(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#own(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#own(item)]));
  }

  #withOwnFiles(text: string): string {
    if (!text.includes(uploadFolder)) return text;
    return this.#job.files.reduce((left, file) => left.replaceAll(uploadName(file), file.name), text);
  }

  #publish(event: PromptBusEvent): void {
    if (!this.#silent) this.#deps.bus.publish(promptsTopic, event);
  }
}

/** A file in a node's UI output: under `key`, the `index`-th of its list. */
interface Place {
  readonly key: string;
  readonly index: number;
  readonly file: FileReference;
}

function filesIn(output: UiOutput): Place[] {
  return Object.entries(output).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((item, index) => {
      const file = fileReference(item);
      return file ? [{ key, index, file }] : [];
    }),
  );
}

function withNames(output: UiOutput, places: readonly Place[], names: readonly NamedFile[]): UiOutput {
  const named = new Map(places.map(({ key, index }, at) => [`${index} ${key}`, names[at] as NamedFile]));
  const rename = (item: Json, key: string, index: number): Json => {
    const name = named.get(`${index} ${key}`);
    if (!name) return item;
    const { filename, subfolder, type } = name;
    return { ...(item as Record<string, Json>), filename, subfolder, type };
  };
  return Object.fromEntries(
    Object.entries(output).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map((item, index) => rename(item, key, index)) : rename(value, key, 0),
    ]),
  );
}
