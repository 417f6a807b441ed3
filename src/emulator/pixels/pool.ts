import { Worker } from 'node:worker_threads';
import { effort } from './effort.ts';
import { operations } from './operations.ts';
import type { OperationName, Operations } from './operations.ts';
import type { Outcome, Task } from './worker.ts';

/** Up to this many pixels an operation takes less than the way to a worker and back. */
const inlinePixels = 64 * 64;

type Result<K extends OperationName> = ReturnType<Operations[K]>;

interface Waiting {
  readonly task: Task;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Pixel work for all containers of a process, in workers that start when first needed, so that no container delays another or the
 * event loop. Tiny pictures are done at once, in place.
 */
export class PixelPool {
  readonly #threads: number;
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting[] = [];
  readonly #running = new Map<Worker, Waiting>();
  #next = 0;
  #closed = false;

  constructor(options: { threads: number }) {
    this.#threads = Math.max(1, options.threads);
  }

  /** True while every worker is taken: work that may be left out should be. */
  get busy(): boolean {
    return this.#running.size >= this.#threads;
  }

  /** Does one operation. Rejects with the operation's own error, or when the pool closes before it is done. */
  run<K extends OperationName>(name: K, ...inputs: Parameters<Operations[K]>): Result<K> | Promise<Result<K>> {
    const operation = operations[name] as unknown as (...inputs: Parameters<Operations[K]>) => Result<K>;
    if (effort(name, inputs) <= inlinePixels) return operation(...inputs);
    return new Promise<unknown>((resolve, reject) => {
      if (this.#closed) throw new Error('the pixel pool is closed');
      this.#queue.push({ task: { number: this.#next++, name, inputs }, resolve, reject });
      this.#feed();
    }) as Promise<Result<K>>;
  }

  /** Ends the workers; what waits is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const left = [...this.#queue.splice(0), ...this.#running.values()];
    this.#running.clear();
    for (const waiting of left) waiting.reject(new Error('the pixel pool is closed'));
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
  }

  #feed(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#workers.length < this.#threads ? this.#start() : null);
      if (worker === null) return;
      const waiting = this.#queue.shift() as Waiting;
      this.#running.set(worker, waiting);
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
      worker.postMessage(waiting.task);
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url));
    worker.on('message', (outcome: Outcome) => {
      const waiting = this.#running.get(worker);
      this.#running.delete(worker);
      this.#idle.push(worker);
      worker.unref();
      if ('error' in outcome) waiting?.reject(outcome.error);
      else waiting?.resolve(outcome.result);
      this.#feed();
    });
    worker.on('error', (error) => {
      this.#running.get(worker)?.reject(error);
      this.#running.delete(worker);
      for (const list of [this.#workers, this.#idle]) if (list.includes(worker)) list.splice(list.indexOf(worker), 1);
      this.#feed();
    });
    this.#workers.push(worker);
    return worker;
  }
}
