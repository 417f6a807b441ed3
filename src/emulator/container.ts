import type { Graph, Json, NodeDefinitions } from '../comfyui/protocol.ts';
import type { Clock, Timer } from '../fleet/clock.ts';
import { NodeCache } from './cache.ts';
import { definitionsFor } from './definitions.ts';
import type { ModelFolders } from './definitions.ts';
import { ContainerClosed, Execution } from './executor.ts';
import type { Faults } from './faults.ts';
import type { ServerSettings } from './flags.ts';
import { Files } from './files.ts';
import { Logs } from './logs.ts';
import type { EmulatedLogLine } from './logs.ts';
import { nodeClasses } from './nodes/registry.ts';
import type { PixelPool } from './pixels/pool.ts';
import type { Draws, Profile } from './profile.ts';
import { PromptQueue, SameItem } from './queue.ts';
import type { QueueItem } from './queue.ts';
import { Sockets, featuresOf } from './sockets.ts';
import { Timing } from './timing.ts';
import type { OwnCheck } from '../comfyui/validate.ts';

/** ComfyUI versions that a container can be. */
export type ComfyuiVersion = '0.3.64' | '0.12.1';

export interface ContainerOptions {
  readonly profile: Profile;
  readonly clock: Clock;
  readonly draws: Draws;
  readonly folder: string;
  readonly pixels: PixelPool;
  readonly models: ModelFolders;
  readonly faults: Faults;
  readonly settings: ServerSettings;
  readonly version: ComfyuiVersion;
}

/** What a ComfyUI process is inside: queue, single executor, cache, files and sockets, without the HTTP in front. */
export class Container {
  readonly profile: Profile;
  readonly models: ModelFolders;
  readonly definitions: NodeDefinitions;
  readonly files: Files;
  readonly sockets: Sockets;
  readonly queue: PromptQueue;
  readonly logs: Logs;
  readonly version: ComfyuiVersion;
  readonly settings: ServerSettings;
  faults: Faults;
  readonly #clock: Clock;
  readonly #draws: Draws;
  readonly #pixels: PixelPool;
  readonly #timing: Timing;
  readonly #cache: NodeCache;
  readonly #waits = new Map<Timer, (error: Error) => void>();
  #execution: Execution | null = null;
  #counter = 0;
  #looping = false;
  #closed = false;
  #dead = false;
  #freeNext: { cache: boolean; models: boolean } = { cache: false, models: false };

  constructor(options: ContainerOptions) {
    this.profile = options.profile;
    this.models = options.models;
    this.settings = options.settings;
    this.version = options.version;
    this.definitions = definitionsFor(options.models, options.settings.customNodes);
    this.#cache = new NodeCache(options.settings.cache);
    this.files = new Files(options.folder);
    this.faults = options.faults;
    this.#clock = options.clock;
    this.#draws = options.draws;
    this.#pixels = options.pixels;
    this.#timing = new Timing(options.profile, options.draws);
    this.sockets = new Sockets({
      features: featuresOf(options.settings),
      greet: (clientId) => this.#greet(clientId),
      dropped: (reason) => this.log(reason, 'stderr'),
    });
    this.logs = new Logs(this.sockets);
    this.queue = new PromptQueue(() => this.sockets.send('status', this.status(), null));
    this.setFaults(options.faults);
  }

  /** The clock's time, in milliseconds. */
  now(): number {
    return Math.floor(this.#clock.now());
  }

  /** The `data` of a status message. */
  status(): { status: { exec_info: { queue_remaining: number } } } {
    return { status: { exec_info: { queue_remaining: this.queue.remaining } } };
  }

  setFaults(faults: Faults): void {
    this.faults = faults;
    this.sockets.silent = faults.silentSocket === true;
    void this.#loop();
  }

  /** The next prompt's number, spent by rejected prompts too. */
  takeNumber(): number {
    return this.#counter++;
  }

  /** Puts a checked prompt into the queue, after the part of its time that passes outside the GPU. Rejects on closing. */
  async submit(number: number, id: string, graph: Graph, extra: Record<string, Json>, outputs: string[]): Promise<void> {
    await this.waitOutside();
    this.log('got prompt');
    this.queue.put([number, id, graph, extra, outputs]);
    void this.#loop();
  }

  /** Waits half of what a request spends outside the GPU. Rejects on closing. */
  async waitOutside(): Promise<void> {
    const seconds = this.#timing.halfOutside();
    if (seconds > 0) await this.#waitUntil(this.#clock.now() + seconds * 1000);
  }

  /** Interrupts what runs; with an id, only if that is what runs. */
  interrupt(promptId: string | null): void {
    if (promptId === null || this.queue.running?.[1] === promptId) this.#execution?.interrupt();
  }

  /** Empties the cache or takes the model off the GPU: now, or after the prompt that runs. */
  free(what: { cache: boolean; models: boolean }): void {
    this.#freeNext = { cache: this.#freeNext.cache || what.cache, models: this.#freeNext.models || what.models };
    if (!this.#execution) this.#freeNow();
  }

  /** Files that loading nodes name are checked before a prompt is accepted. */
  readonly ownCheck = (classType: string): OwnCheck | undefined => {
    const inputs = nodeClasses[classType]?.fileInputs;
    return inputs && { inputs, check: (value) => this.files.named(value) !== null || `Invalid image file: ${value}` };
  };

  log(text: string, stream: EmulatedLogLine['stream'] = 'stdout'): void {
    this.logs.add({ at: this.#clock.now(), stream, text });
  }

  /** Ends everything that waits or runs. */
  close(): void {
    this.#closed = true;
    for (const [timer, reject] of this.#waits) {
      timer.cancel();
      reject(new ContainerClosed());
    }
    this.#waits.clear();
    this.sockets.close();
    this.#cache.clear();
  }

  #greet(clientId: string): void {
    this.sockets.send('status', { ...this.status(), sid: clientId }, clientId);
    const running = this.#execution;
    if (running?.clientId === clientId && running.node !== null) this.sockets.send('executing', { node: running.node }, clientId);
  }

  #freeNow(): void {
    if (this.#freeNext.cache) this.#cache.clear();
    if (this.#freeNext.models) this.#timing.unload();
    this.#freeNext = { cache: false, models: false };
  }

  /** The single executor: one prompt after the other, with a turn of the event loop between them. */
  async #loop(): Promise<void> {
    if (this.#looping) return;
    this.#looping = true;
    while (true) {
      await new Promise((resolve) => setImmediate(resolve));
      const item = this.#closed || this.faults.hang ? null : this.#take();
      if (!item) break;
      await this.#run(new Execution(item, this.#surroundings()));
    }
    this.#looping = false;
  }

  /** ComfyUI's worker thread dies when it meets two prompts of the same number and id; what is asked of the server is answered still. */
  #take(): QueueItem | null {
    if (this.#dead) return null;
    try {
      return this.queue.take();
    } catch (error) {
      if (!(error instanceof SameItem)) throw error;
      this.#dead = true;
      this.log(`Exception in thread prompt_worker: ${error.message}`, 'stderr');
      return null;
    }
  }

  async #run(execution: Execution): Promise<void> {
    const begun = this.#clock.now();
    this.#execution = execution;
    try {
      const record = await execution.run();
      const seconds = ((this.#clock.now() - begun) / 1000).toFixed(2);
      for (const [type, data] of record.status.messages) {
        if (type === 'execution_error') this.log(`!!! Exception during processing !!! ${String(data['exception_message'])}`, 'stderr');
      }
      this.log(`Prompt executed in ${seconds} seconds`);
      this.#execution = null;
      this.queue.finish(record);
      this.#freeNow();
      if (execution.clientId !== null) {
        this.sockets.send('executing', { node: null, prompt_id: execution.promptId }, execution.clientId);
      }
    } catch (error) {
      if (!(error instanceof ContainerClosed)) throw error;
    } finally {
      this.#execution = null;
    }
  }

  #surroundings(): ConstructorParameters<typeof Execution>[1] {
    const { definitions, sockets, files } = this;
    return {
      definitions,
      sockets,
      files,
      cache: this.#cache,
      context: {
        files,
        pixels: this.#pixels,
        timing: this.#timing,
        profileName: this.profile.name,
        settings: this.settings,
        now: () => this.#clock.now(),
        random: (below) => this.#draws.int(below),
        waitUntil: (at) => this.#waitUntil(at),
        takeOutOfMemory: () => this.#takeOutOfMemory(),
      },
    };
  }

  #takeOutOfMemory(): boolean {
    const taken = this.faults.outOfMemory === true;
    if (taken) this.faults = { ...this.faults, outOfMemory: false };
    return taken;
  }

  async #waitUntil(at: number): Promise<void> {
    if (this.#closed) throw new ContainerClosed();
    await new Promise<void>((resolve, reject) => {
      const timer = this.#clock.at(at, () => {
        this.#waits.delete(timer);
        resolve();
      });
      this.#waits.set(timer, reject);
    });
  }
}
