import { Readable } from 'node:stream';
import type { Catalogue, Endpoint, PassedAnswer, Prompt, PromptResult, PromptRunner, RunOptions } from '../../src/comfyui/runner.ts';
import { ComfleetError } from '../../src/errors.ts';
import type { Clock, Timer } from '../../src/fleet/clock.ts';
import type { Slot } from '../../src/fleet/container.ts';
import type { RunningContainer, Runtime, RuntimeEvent, StartSpec } from '../../src/runtimes/runtime.ts';

export interface VirtualSettings {
  readonly slots: number;
  readonly startMs: number;
  readonly serviceMs: number;
  /** From being asked until the prompt is in its container's queue, and what each file takes. */
  readonly outsideMs?: { readonly before: number; readonly after: number };
  readonly gpu?: string | null;
}

interface Server {
  readonly spec: StartSpec;
  readonly startedAt: number;
  state: 'starting' | 'ready' | 'failed';
  readyAt: number | null;
  /** Prompt ids in order; the first one runs. */
  readonly prompts: Map<string, { begin: () => void; finish: (result: PromptResult) => void; fail: (error: Error) => void }>;
  readonly done: Map<string, PromptResult>;
  timer: Timer | null;
}

/**
 * Containers on virtual time, as runtime and as prompt runner at once: a start takes `startMs`, a prompt `serviceMs` on a serial executor.
 * Faults are injected by calling crash() and the fields below.
 */
export class VirtualFleet implements Runtime, PromptRunner {
  readonly name = 'emulated' as const;
  readonly servers = new Map<string, Server>();
  readonly prompts: string[] = [];
  failNextStarts = 0;
  /** Starts that the end of their supervisor cuts off. */
  loseNextStarts = 0;
  /** So long after the prompts of a crashed container have failed it is told that it crashed. */
  lastWordMs = 0;
  /** Stops never come to an end. */
  stopsHang = false;
  serviceMs: number;
  startMs: number;
  readonly #outsideMs: { readonly before: number; readonly after: number };
  peak = 0;
  readonly #clock: Clock;
  readonly #slots: Slot[];
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();

  constructor(clock: Clock, settings: VirtualSettings) {
    this.#clock = clock;
    this.serviceMs = settings.serviceMs;
    this.startMs = settings.startMs;
    this.#outsideMs = settings.outsideMs ?? { before: 0, after: 0 };
    const gpu = settings.gpu === undefined ? 'A10G' : settings.gpu;
    this.#slots = Array.from({ length: settings.slots }, (_, n) => ({ host: 'virtual', device: `gpu${n}`, gpu, share: gpu ? 1 : 0 }));
  }

  slots(): Promise<readonly Slot[]> {
    return Promise.resolve(this.#slots);
  }

  start(spec: StartSpec): Promise<void> {
    if (this.loseNextStarts > 0) {
      this.loseNextStarts--;
      return Promise.reject(new ComfleetError('supervisor_failed', 'it was told to be lost'));
    }
    const server: Server = {
      spec,
      startedAt: this.#clock.now(),
      state: 'starting',
      readyAt: null,
      prompts: new Map(),
      done: new Map(),
      timer: null,
    };
    this.servers.set(spec.id, server);
    this.peak = Math.max(this.peak, this.servers.size);
    this.#emit({ type: 'phase', id: spec.id, phase: 'process', at: this.#clock.now() });
    const fails = this.failNextStarts > 0;
    if (fails) this.failNextStarts--;
    server.timer = this.#clock.at(this.#clock.now() + this.startMs, () => {
      if (fails) return this.#exit(spec.id, 'start_failed', 'it was told to fail');
      server.state = 'ready';
      server.readyAt = this.#clock.now();
      this.#emit({ type: 'ready', id: spec.id, endpoint: { url: `virtual:${spec.id}` }, at: this.#clock.now() });
    });
    return Promise.resolve();
  }

  stop({ id }: { id: string }): Promise<void> {
    if (this.stopsHang) return new Promise(() => {});
    this.#end(id, 'stopped');
    return Promise.resolve();
  }

  list(): Promise<RunningContainer[]> {
    return Promise.resolve(
      [...this.servers.values()].map(({ spec, state, startedAt, readyAt }) => ({
        ...spec,
        state,
        startedAt,
        readyAt,
        endpoint: state === 'ready' ? { url: `virtual:${spec.id}` } : null,
      })),
    );
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The gateway that listened is dead. */
  forgetListeners(): void {
    this.#listeners.clear();
  }

  async *logs(): AsyncIterable<never> {}

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The supervisor dies and takes all containers along; it is there again after `ms`. */
  loseSupervisor(ms: number): void {
    for (const id of this.servers.keys()) this.#end(id, 'its supervisor is gone');
    this.#emit({ type: 'interrupted', at: this.#clock.now() });
    this.#clock.at(this.#clock.now() + ms, () => this.#emit({ type: 'reset', at: this.#clock.now() }));
  }

  crash(id: string): void {
    const exit = (): void => this.#exit(id, 'crashed', 'it was told to crash');
    const server = this.servers.get(id);
    if (!server || this.lastWordMs === 0) return exit();
    server.timer?.cancel();
    server.state = 'failed';
    for (const prompt of server.prompts.values()) prompt.fail(new ComfleetError('container_lost', 'read ECONNRESET'));
    this.#clock.at(this.#clock.now() + this.lastWordMs, exit);
  }

  run(endpoint: Endpoint, prompt: Prompt, options: RunOptions): Promise<PromptResult> {
    const server = this.#serverOf(endpoint);
    if (server?.state !== 'ready') return Promise.reject(new ComfleetError('container_lost', 'connection refused'));
    this.prompts.push(prompt.id);
    return this.#pause(this.#outsideMs.before).then(() => this.#queue(server, prompt.id, options));
  }

  resume(endpoint: Endpoint, promptId: string, options: RunOptions): Promise<PromptResult | null> {
    const server = this.#serverOf(endpoint);
    if (!server) return Promise.reject(new ComfleetError('container_lost', 'connection refused'));
    const done = server.done.get(promptId);
    if (done) return Promise.resolve(done);
    return server.prompts.has(promptId) ? this.#queue(server, promptId, options) : Promise.resolve(null);
  }

  async download(): Promise<{ stream: Readable; mime: string }> {
    await this.#pause(this.#outsideMs.after);
    return { stream: Readable.from([Buffer.from('pixels')]), mime: 'image/png' };
  }

  definitions(): Promise<Record<string, never>> {
    return Promise.resolve({});
  }

  catalogue(): Promise<Catalogue> {
    return Promise.resolve({ stats: null, features: null, extensions: [], embeddings: [], models: [] });
  }

  pass(): Promise<PassedAnswer> {
    return Promise.reject(new ComfleetError('container_lost', 'it has no routes'));
  }

  forget(): void {}

  #pause(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => this.#clock.at(this.#clock.now() + ms, resolve));
  }

  #queue(server: Server, id: string, options: RunOptions): Promise<PromptResult> {
    return new Promise((resolve, reject) => {
      const first = server.prompts.size === 0;
      const finish = (result: PromptResult): void => {
        server.prompts.delete(id);
        server.done.set(id, result);
        resolve(result);
      };
      const begin = (): void => options.onEvent({ type: 'executing', node: '3', classType: 'KSampler' });
      // It may have gone meanwhile.
      if (this.servers.get(server.spec.id) !== server) return reject(new ComfleetError('container_lost', 'connection reset'));
      if (options.signal.aborted) return resolve({ kind: 'interrupted' });
      server.prompts.set(id, { begin, finish, fail: reject });
      options.signal.addEventListener('abort', () => {
        const running = [...server.prompts.keys()][0] === id;
        finish({ kind: 'interrupted' });
        if (running) this.#next(server);
      });
      if (first) this.#next(server);
    });
  }

  #next(server: Server): void {
    server.timer?.cancel();
    const [id] = server.prompts.keys();
    if (id === undefined) return;
    server.prompts.get(id)?.begin();
    server.timer = this.#clock.at(this.#clock.now() + this.serviceMs, () => {
      const file = { filename: `${id}.png`, subfolder: '', type: 'output' as const };
      server.prompts.get(id)?.finish({ kind: 'succeeded', outputs: [{ node: '9', key: 'images', file }], loading: null });
      this.#next(server);
    });
  }

  /** What made starts fail is gone, and the runtime says so. */
  recover(): void {
    this.failNextStarts = 0;
    this.#emit({ type: 'reachable', at: this.#clock.now() });
  }

  #serverOf(endpoint: Endpoint): Server | undefined {
    return this.servers.get(endpoint.url.slice('virtual:'.length));
  }

  #exit(id: string, code: 'crashed' | 'start_failed', message: string): void {
    if (!this.#end(id, message)) return;
    this.#emit({ type: 'exited', id, at: this.#clock.now(), code, message });
  }

  #end(id: string, message: string): boolean {
    const server = this.servers.get(id);
    if (!server) return false;
    server.timer?.cancel();
    this.servers.delete(id);
    for (const prompt of server.prompts.values()) prompt.fail(new ComfleetError('container_lost', message));
    return true;
  }

  #emit(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
