import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ComfleetError, type ErrorCode } from '../errors.ts';

/** What a worker is sent: the file once, then batches (names and inputs side by side), `close` at the end. */
export type LaneMessage = { type: 'open'; file: string } | { type: 'batch'; names: string[]; inputs: unknown[] } | { type: 'close' };
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
  name: string;
  input: unknown;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** A worker's module by its name without extension. Sources run as they are in a clone, compiled in the package: all have the same. */
export const workerModule = (name: string, from: string): URL => new URL(`${name}${extname(import.meta.url)}`, from);

/** Longer batches would make the first of them wait for the last. */
const maxBatch = 1_000;

/**
 * The way to one worker. Calls are gathered, in order, until the event loop has gone round once, or for as long as a batch is under
 * way, and cross as one message; all promises of a batch settle together.
 */
export class Lane {
  readonly #worker: Worker;
  readonly #what: string;
  readonly #opened = Promise.withResolvers<string>();
  #waiting: Pending[] = [];
  #underWay: Pending[] | null = null;
  #scheduled = false;
  #closing: Promise<void> | null = null;
  #dead: ComfleetError | null = null;
  #onIdle: (() => void) | null = null;

  /** Starts the worker, which loads its code while `open` is not called yet. `what` names the database in errors. */
  constructor(module: URL, what: string) {
    this.#what = what;
    this.#worker = new Worker(module);
    this.#worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'batch') this.#settle(message);
      else if (message.type === 'ready') this.#opened.resolve(message.sqliteVersion);
      else this.#opened.reject(errorOf(message.failure));
    });
    this.#worker.on('error', (error) => this.#die(error.message));
    this.#worker.on('exit', (code) => this.#die(`it ended with code ${code}`));
    // A thread that dies before anyone waits for `open` is reported there.
    this.#opened.promise.catch(() => undefined);
  }

  /** Opens the worker's connection; the answer is its version of SQLite. Errors: `database_unusable`, and those of the worker's migrations. */
  async open(file: string): Promise<string> {
    this.#post({ type: 'open', file });
    try {
      return await this.#opened.promise;
    } catch (error) {
      // Nobody has anything to close that was not opened.
      await this.close();
      throw error instanceof ComfleetError && error.code === 'store_failed' ? unusable(file, error) : error;
    }
  }

  call(name: string, input: unknown): Promise<unknown> {
    if (this.#closing) return Promise.reject(new ComfleetError('draining', `${this.#what} is closed.`));
    if (this.#dead) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, input, resolve, reject });
      this.#schedule();
    });
  }

  /** Takes no more calls. Settles when all have settled, `before` has, and the worker has closed its connection. */
  close(before: Promise<void> = Promise.resolve()): Promise<void> {
    this.#closing ??= this.#close(before);
    return this.#closing;
  }

  async #close(before: Promise<void>): Promise<void> {
    if (this.#dead) return before;
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    if (this.#underWay || this.#waiting.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await before;
    this.#post({ type: 'close' });
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
    this.#post({ type: 'batch', names: batch.map((call) => call.name), inputs: batch.map((call) => call.input) });
  }

  #post(message: LaneMessage): void {
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
    this.#dead = new ComfleetError('store_failed', `The thread of ${this.#what} is gone: ${reason}`);
    this.#opened.reject(this.#dead);
    for (const call of [...(this.#underWay ?? []), ...this.#waiting]) call.reject(this.#dead);
    this.#underWay = null;
    this.#waiting = [];
    this.#onIdle?.();
  }
}

const unusable = (file: string, cause: Error): ComfleetError =>
  new ComfleetError('database_unusable', `${file}: ${cause.message.replace(/^The database: /, '')}`, {}, { cause });

const errorOf = ({ code, message }: Failure): ComfleetError => new ComfleetError(code, message);
