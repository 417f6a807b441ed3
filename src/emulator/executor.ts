import type { GraphNode, NodeDefinition, NodeDefinitions, Json } from '../comfyui/protocol.ts';
import { cacheKeys } from './cache.ts';
import type { CacheEntry, NodeCache, UiOutput } from './cache.ts';
import { Interrupted } from './nodes/node.ts';
import type { NodeContext, NodeResult, PreviewImage } from './nodes/node.ts';
import { nodeClasses } from './nodes/registry.ts';
import { ExecutionOrder, linkOf } from './order.ts';
import { isPicture } from './pixels/picture.ts';
import { Progress } from './progress.ts';
import { PythonError, str, typeName } from '../comfyui/python.ts';
import type { HistoryRecord, QueueItem } from './queue.ts';
import { frame, frames } from './sockets.ts';
import type { Sockets } from './sockets.ts';
import type { Files } from './files.ts';

/** What an execution takes from its container. */
export interface Surroundings {
  readonly definitions: NodeDefinitions;
  readonly sockets: Sockets;
  readonly files: Files;
  readonly cache: NodeCache;
  /** A node's context but for what depends on the node and the prompt. */
  readonly context: Pick<
    NodeContext,
    'files' | 'pixels' | 'timing' | 'profileName' | 'settings' | 'now' | 'random' | 'waitUntil' | 'takeOutOfMemory'
  >;
}

/** One prompt on its way through the single executor of a container. */
export class Execution {
  readonly promptId: string;
  /** Null: the prompt came without a client. */
  readonly clientId: string | null;
  /** The node that runs now. */
  node: string | null = null;
  readonly #item: QueueItem;
  readonly #surroundings: Surroundings;
  readonly #progress: Progress;
  readonly #messages: [string, Record<string, unknown>][] = [];
  readonly #executed = new Set<string>();
  #keys: ReadonlyMap<string, string> = new Map();
  #isChanged = new Map<string, string>();
  readonly #approximate: readonly string[];
  #interrupted = false;

  constructor(item: QueueItem, surroundings: Surroundings) {
    const [, id, graph, extra] = item;
    this.#item = item;
    this.#surroundings = surroundings;
    this.promptId = id;
    this.clientId = typeof extra['client_id'] === 'string' ? extra['client_id'] : null;
    this.#progress = new Progress(surroundings.sockets, id, this.clientId);
    const classes = new Set(Object.values(graph).map(({ class_type }) => class_type));
    this.#approximate = [...classes].filter((name) => nodeClasses[name]?.approximate).sort();
  }

  /** Takes effect before the next node or at the next step. */
  interrupt(): void {
    this.#interrupted = true;
  }

  /** Runs to the end and says how it went. Rejects only when the container closes meanwhile. */
  async run(): Promise<Omit<HistoryRecord, 'prompt'>> {
    try {
      return this.#record((await this.#allNodes()) ? 'success' : 'error');
    } catch (error) {
      if (error instanceof ContainerClosed) throw error;
      this.#note('execution_error', { node_id: this.node, node_type: null, executed: [...this.#executed], ...describe(error) });
      return this.#record('error');
    }
  }

  /** False: a node failed, or the prompt was interrupted; the client has been told. */
  async #allNodes(): Promise<boolean> {
    const [, , graph, , outputs] = this.#item;
    const { cache, definitions } = this.#surroundings;
    this.#note('execution_start', {});
    this.#isChanged = await this.#changes();
    this.#keys = cacheKeys(graph, this.#isChanged, (classType) => asksForId(definitions[classType]));
    cache.begin(this.#keys.values());
    const isCached = (id: string): boolean => this.#cached(id) !== undefined;
    this.#note('execution_cached', { nodes: Object.keys(graph).filter(isCached) });
    const isOutput = (id: string): boolean => definitions[(graph[id] as GraphNode).class_type]?.output_node === true;
    const order = new ExecutionOrder(graph, { isCached, isOutput });
    for (const output of outputs) order.add(output);
    let since = 0;
    for (let id = order.next(); id !== null; id = order.next()) {
      const failed = await this.#execute(id);
      if (failed) return false;
      order.done(id);
      if (++since % nodesPerTurn === 0 || since > manyNodes) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#note('execution_success', {});
    return true;
  }

  /** What history keeps: among it every UI output that is known of the graph's nodes, asked for or not. */
  #record(status: 'success' | 'error'): Omit<HistoryRecord, 'prompt'> {
    this.node = null;
    const outputs: HistoryRecord['outputs'] = {};
    const meta: HistoryRecord['meta'] = {};
    for (const id of this.#keys.keys()) {
      const ui = this.#cached(id)?.ui;
      if (!ui) continue;
      outputs[id] = ui.output;
      meta[id] = ui.meta;
    }
    return { outputs, status: { status_str: status, completed: status === 'success', messages: this.#messages }, meta };
  }

  /** What classes say of change, by node. */
  async #changes(): Promise<Map<string, string>> {
    const changes = new Map<string, string>();
    for (const [id, node] of Object.entries(this.#item[2])) {
      const kind = nodeClasses[node.class_type];
      if (kind?.changed && node.inputs) changes.set(id, await kind.changed(node.inputs, this.#surroundings.files));
    }
    return changes;
  }

  #cached(id: string): CacheEntry | undefined {
    return this.#surroundings.cache.get(this.#keys.get(id) as string);
  }

  /** Runs a node or takes its result from the cache. True: it failed, and with it the prompt. */
  async #execute(id: string): Promise<boolean> {
    const cached = this.#cached(id);
    if (cached) {
      this.#send('executed', { node: id, display_node: id, output: cached.ui?.output ?? null, prompt_id: this.promptId });
      this.#progress.finish(id);
      this.#executed.add(id);
      return false;
    }
    this.node = id;
    this.#progress.start(id);
    this.#send('executing', { node: id, display_node: id, prompt_id: this.promptId });
    const inputs = this.#inputs(id);
    try {
      this.#finish(id, await this.#forEachItem(id, inputs));
      return false;
    } catch (error) {
      if (error instanceof ContainerClosed) throw error;
      if (error instanceof Interrupted) this.#note('execution_interrupted', this.#where(id), true);
      else this.#note('execution_error', { ...this.#where(id), ...describe(error), ...this.#report(id, inputs) });
      return true;
    }
  }

  /** Inputs are lists: a node runs once for each item of the longest one, and shorter ones repeat their last. */
  async #forEachItem(id: string, inputs: Record<string, readonly unknown[]>): Promise<NodeResult[]> {
    const kind = this.#classOf(id);
    const lists = Object.entries(inputs);
    if (kind.takesLists) {
      this.#stopIfInterrupted();
      return [await kind.run(inputs, this.#context(id))];
    }
    this.#refuseConstants(id);
    const times = lists.length === 0 ? 1 : Math.max(...lists.map(([, list]) => list.length));
    const results: NodeResult[] = [];
    for (let i = 0; i < times; i++) {
      this.#stopIfInterrupted();
      const items = Object.fromEntries(lists.map(([name, list]) => [name, list[Math.min(i, list.length - 1)]]));
      results.push(await kind.run(items, this.#context(id)));
    }
    return results;
  }

  /** ComfyUI's check lets a constant stand where only a node can give what is wanted; the node fails on it. */
  #refuseConstants(id: string): void {
    const { inputs } = this.#item[2][id] as GraphNode;
    for (const [name, [type]] of Object.entries(this.#definitionOf(id)?.input.required ?? {})) {
      const member = typeof type === 'string' ? usedOf[type] : undefined;
      const value = inputs[name];
      if (member === undefined || value === undefined || linkOf(value)) continue;
      throw new PythonError('AttributeError', `'${typeName(value)}' object has no attribute '${member}'`);
    }
  }

  #classOf(id: string): (typeof nodeClasses)[string] {
    const { class_type } = this.#item[2][id] as GraphNode;
    return nodeClasses[class_type] as (typeof nodeClasses)[string];
  }

  #finish(id: string, results: readonly NodeResult[]): void {
    const origin = { node_id: id, display_node: id, parent_node: null, real_node_id: id };
    const isList = this.#definitionOf(id)?.output_is_list ?? [];
    const slots = Math.max(0, ...results.map(({ outputs }) => outputs.length));
    const outputs = Array.from({ length: slots }, (_, slot) =>
      results.flatMap((result) => (isList[slot] ? (result.outputs[slot] as unknown[]) : [result.outputs[slot]])),
    );
    const ui = mergedUi(results);
    if (ui) this.#send('executed', { node: id, display_node: id, output: ui, prompt_id: this.promptId });
    this.#surroundings.cache.set(this.#keys.get(id) as string, { outputs, ui: ui ? { output: ui, meta: origin } : null });
    this.#progress.finish(id);
    this.#executed.add(id);
  }

  #definitionOf(id: string): NodeDefinition | undefined {
    return this.#surroundings.definitions[(this.#item[2][id] as GraphNode).class_type];
  }

  /** A node's inputs with its links resolved, each as a list. */
  #inputs(id: string): Record<string, readonly unknown[]> {
    const { inputs } = this.#item[2][id] as GraphNode;
    return Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => {
        const link = linkOf(value);
        // Slots of a link may count from the end, as Python's do.
        return [name, link ? (this.#cached(link[0])?.outputs.at(link[1]) ?? []) : [value]];
      }),
    );
  }

  #context(id: string): NodeContext {
    const { sockets, context } = this.#surroundings;
    const { clientId } = this;
    return {
      ...context,
      nodeId: id,
      approximate: this.#approximate,
      metadata: { graph: this.#graphWithChanges(), extra: this.#pngInfo() },
      progress: (value, max, preview) => this.#step(id, value, max, preview),
      wantsPreviews: context.settings.previews && sockets.reaches(clientId) && !context.pixels.busy,
      sendText: (text) => sockets.sendFrame(frame(frames.text, id.length, Buffer.from(id), Buffer.from(text)), null),
    };
  }

  #graphWithChanges(): QueueItem[2] {
    const [, , graph] = this.#item;
    if (this.#isChanged.size === 0) return graph;
    return Object.fromEntries(
      Object.entries(graph).map(([id, node]) => {
        const changed = this.#isChanged.get(id);
        return [id, changed === undefined ? node : { ...node, is_changed: [changed] }];
      }),
    );
  }

  #pngInfo(): Record<string, Json> {
    const info = this.#item[3]['extra_pnginfo'];
    return typeof info === 'object' && info !== null && !Array.isArray(info) ? info : {};
  }

  #step(id: string, value: number, max: number, preview?: PreviewImage): void {
    const { sockets } = this.#surroundings;
    this.#stopIfInterrupted();
    this.#progress.step(id, value, max);
    const withMetadata = preview && sockets.takesMetadata(this.clientId);
    if (preview && withMetadata) {
      const ids = { node_id: id, prompt_id: this.promptId, display_node_id: id, parent_node_id: null, real_node_id: id };
      const metadata = Buffer.from(JSON.stringify({ ...ids, image_type: `image/${preview.format}` }));
      sockets.sendFrame(frame(frames.previewWithMetadata, metadata.length, metadata, preview.image), this.clientId);
    }
    sockets.send('progress', { value, max, prompt_id: this.promptId, node: id }, this.clientId);
    if (preview && !withMetadata) {
      sockets.sendFrame(frame(frames.preview, preview.format === 'jpeg' ? 1 : 2, preview.image), this.clientId);
    }
  }

  #stopIfInterrupted(): void {
    if (this.#interrupted) throw new Interrupted();
  }

  #where(id: string): Record<string, unknown> {
    const { class_type } = this.#item[2][id] as GraphNode;
    return { node_id: id, node_type: class_type, executed: [...this.#executed] };
  }

  /** What an error report tells of the node's inputs, the hidden ones too. */
  #report(id: string, inputs: Record<string, readonly unknown[]>): Record<string, unknown> {
    const graph = this.#item[2];
    const hidden = this.#definitionOf(id)?.input.hidden ?? {};
    const meanings: Record<string, unknown> = { PROMPT: graph, EXTRA_PNGINFO: this.#item[3]['extra_pnginfo'] ?? null, UNIQUE_ID: id };
    const all = { ...inputs };
    for (const [name, meaning] of Object.entries(hidden)) all[name] = [meanings[hiddenType(meaning)]];
    const current_inputs = Object.fromEntries(Object.entries(all).map(([name, list]) => [name, list.map(shownInput)]));
    return { current_inputs, current_outputs: Object.keys(graph) };
  }

  /** A message for the client that history keeps; `toAll`: for everyone, if there is no client. */
  #note(type: string, data: Record<string, unknown>, toAll = false): void {
    const message = { prompt_id: this.promptId, ...data, timestamp: Math.floor(this.#surroundings.context.now()) };
    this.#messages.push([type, message]);
    if (toAll) this.#surroundings.sockets.send(type, message, this.clientId);
    else this.#send(type, message);
  }

  /** Without a client id, nobody hears it. */
  #send(type: string, data: unknown): void {
    if (this.clientId !== null) this.#surroundings.sockets.send(type, data, this.clientId);
  }
}

/** What a node looks for first in what it is given, by type: approximate, since it depends on the node. Pictures and latents tell themselves. */
const usedOf: Readonly<Record<string, string>> = {
  MODEL: 'model',
  CLIP: 'tokenize',
  CLIP_VISION: 'encode_image',
  VAE: 'decode',
  CONDITIONING: 'copy',
  CONTROL_NET: 'copy',
  UPSCALE_MODEL: 'scale',
};

/** Nodes that run before other containers of the process get a turn; each one after so many, since what is told of them grows. */
const nodesPerTurn = 8;
const manyNodes = 200;

/** What a hidden input stands for; newer nodes wrap it in a list. */
const hiddenType = (meaning: Json): string => str(Array.isArray(meaning) ? meaning[0] : meaning);

const asksForId = (definition: NodeDefinition | undefined): boolean =>
  Object.values(definition?.input.hidden ?? {}).some((meaning) => hiddenType(meaning) === 'UNIQUE_ID');

/** UI outputs of a node's runs: lists are joined. */
function mergedUi(results: readonly NodeResult[]): UiOutput | null {
  const all = results.flatMap(({ ui }): UiOutput[] => (ui ? [ui] : []));
  const [first] = all;
  if (!first) return null;
  return Object.fromEntries(Object.keys(first).map((name) => [name, all.flatMap((ui) => ui[name] as Json[])]));
}

/** The container closed while a node was waiting. */
export class ContainerClosed extends Error {}

/** An input as error reports show it: scalars as they are, all else as text. */
function shownInput(value: unknown): unknown {
  if (isPicture(value)) return `tensor of shape [${value.batch}, ${value.height}, ${value.width}, ${value.channels}]`;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return str(value);
}

function describe(error: unknown): Record<string, unknown> {
  const { message } = error as Error;
  const type = error instanceof PythonError ? error.type : 'RuntimeError';
  const places = ['496, in execute', '315, in get_output_data', '289, in _async_map_node_over_list', '277, in process_inputs'];
  const traceback = places.map((place) => `  File "/comfyui/execution.py", line ${place}\n    ...\n`);
  return { exception_message: `${message}\n`, exception_type: type, traceback };
}
