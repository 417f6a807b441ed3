import { Worker } from 'node:worker_threads';
import { ComfleetError, type ErrorCode } from '../errors.ts';
import type { OperationName } from './operations.ts';

/** What a worker is sent: the calls of a batch side by side, or null to close. */
export type BatchMessage = { names: OperationName[]; inputs: unknown[] } | null;
/** An error without its class, which does not survive the way between threads. */
export interface Failure {
  code: ErrorCode;
  message: string;
}
/** What a worker answers: first that it is ready or why not, then one answer for each batch, in order. */
export type WorkerMessage =
  | { type: 'ready'; sqliteVersion: string }
  | { type: 'failed'; failure: Failure }
  | { type: 'batch'; results: unknown[]; failures: { index: number; failure: Failure }[] };

interface Pending {
  name: OperationName;
  input: unknown;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** Longer batches would make the first of them wait for the last. */
const maxBatch = 1_000;

/**
 * The way to one worker. Calls are gathered, in order, until the event loop has gone round once, or for as long as a batch is under
 * way, and cross as one message; all promises of a batch settle together.
 */
export class Lane {
  readonly #worker: Worker;
  #waiting: Pending[] = [];
  #underWay: Pending[] | null = null;
  #scheduled = false;
  #closed = false;
  #dead: ComfleetError | null = null;
  #onIdle: (() => void) | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'batch') this.#settle(message);
    });
    worker.on('error', (error) => this.#die(error.message));
    worker.on('exit', (code) => this.#die(`it ended with code ${code}`));
  }

  /** Starts the worker and waits until its connection is open. Errors: those of opening the database. */
  static async open(module: URL, file: string): Promise<{ lane: Lane; sqliteVersion: string }> {
    const worker = new Worker(module, { workerData: { file } });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    worker.once('message', (message: WorkerMessage) => {
      if (message.type === 'ready') resolve(message.sqliteVersion);
      else if (message.type === 'failed') reject(errorOf(message.failure));
    });
    worker.once('error', (error) =>
      reject(new ComfleetError('internal', `The store's thread failed: ${error.message}`, {}, { cause: error })),
    );
    const sqliteVersion = await promise;
    return { lane: new Lane(worker), sqliteVersion };
  }

  call(name: OperationName, input: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new ComfleetError('draining', 'The store is closed.'));
    if (this.#dead) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, input, resolve, reject });
      this.#schedule();
    });
  }

  /** Settles when all calls have and the worker has closed its connection. */
  async close(): Promise<void> {
    if (this.#closed || this.#dead) return;
    this.#closed = true;
    if (this.#underWay || this.#waiting.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#post(null);
    await exited;
  }

  #schedule(): void {
    if (this.#underWay || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#underWay && this.#waiting.length > 0) this.#send();
    });
  }

  #send(): void {
    const batch = this.#waiting.length > maxBatch ? this.#waiting.splice(0, maxBatch) : this.#waiting;
    if (batch === this.#waiting) this.#waiting = [];
    this.#underWay = batch;
    this.#post({ names: batch.map((call) => call.name), inputs: batch.map((call) => call.input) });
  }

  #post(message: BatchMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
    this.#worker.postMessage(message);
  }

  #settle({ results, failures }: WorkerMessage & { type: 'batch' }): void {
    const batch = this.#underWay ?? [];
    this.#underWay = null;
    // The worker goes on at once; who is woken now comes with the batch after.
    if (this.#waiting.length > 0) this.#send();
    for (const { index, failure } of failures) batch[index]?.reject(errorOf(failure));
    for (const [index, call] of batch.entries()) call.resolve(results[index]);
    if (!this.#underWay && this.#waiting.length === 0) this.#onIdle?.();
  }

  #die(reason: string): void {
    if (this.#dead) return;
    this.#dead = new ComfleetError('store_failed', `The store's thread is gone: ${reason}`);
    for (const call of [...(this.#underWay ?? []), ...this.#waiting]) call.reject(this.#dead);
    this.#underWay = null;
    this.#waiting = [];
    this.#onIdle?.();
  }
}

const errorOf = ({ code, message }: Failure): ComfleetError => new ComfleetError(code, message);
