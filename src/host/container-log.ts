import { createReadStream, createWriteStream, existsSync, fstatSync, openSync, renameSync, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LogLine } from '../runtimes/runtime.ts';

const linesInMemory = 2_000;
const fileBytes = 5 * 1024 * 1024;
const longestLine = 16_384;

export interface LogListener {
  line(line: LogLine): void;
  /** The container is gone: nothing more comes. */
  end(): void;
}

/** A container's log: the newest lines in memory, all of them in a file that is turned over once it is large (one former file is kept). */
export class ContainerLog {
  readonly #file: string;
  readonly #report: (error: unknown) => void;
  readonly #lines: LogLine[] = [];
  readonly #listeners = new Set<LogListener>();
  #stream: WriteStream | null = null;
  /** Settles when the former file holds every line. */
  #turned: Promise<void> = Promise.resolve();
  #bytes = 0;
  #failed = false;
  #closed = false;

  /** `report` hears once when the file cannot be written. */
  constructor(file: string, report: (error: unknown) => void) {
    this.#file = file;
    this.#report = report;
    this.#open();
  }

  /** A line after the end is dropped: what is still in a pipe when a container is killed. */
  add(line: LogLine): void {
    if (this.#closed) return;
    const kept = line.text.length > longestLine ? { ...line, text: `${line.text.slice(0, longestLine)} ...` } : line;
    this.#lines.push(kept);
    if (this.#lines.length > 2 * linesInMemory) this.#lines.splice(0, this.#lines.length - linesInMemory);
    this.#write(`${JSON.stringify(kept)}\n`);
    for (const listener of this.#listeners) listener.line(kept);
  }

  /** The newest lines, oldest first. */
  recent(): readonly LogLine[] {
    return this.#lines.slice(-linesInMemory);
  }

  /** Hears every later line, until the returned function is called or the log ends; one that has ended says so at once. */
  follow(listener: LogListener): () => void {
    if (this.#closed) listener.end();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Settles when the files hold every line. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
    await Promise.all([this.#turned, ended(this.#stream)]);
  }

  #write(line: string): void {
    if (this.#bytes > fileBytes) this.#turnOver();
    this.#bytes += Buffer.byteLength(line);
    this.#stream?.write(line);
  }

  #turnOver(): void {
    this.#turned = Promise.all([this.#turned, ended(this.#stream)]).then(() => undefined);
    this.#stream = null;
    try {
      renameSync(this.#file, formerOf(this.#file));
    } catch (error) {
      this.#fail(error);
    }
    this.#open();
  }

  #open(): void {
    try {
      const fd = openSync(this.#file, 'a', 0o600);
      this.#bytes = fstatSync(fd).size;
      const stream = createWriteStream(this.#file, { fd });
      stream.on('error', (error) => {
        if (this.#stream === stream) this.#stream = null;
        this.#fail(error);
      });
      this.#stream = stream;
    } catch (error) {
      this.#bytes = 0;
      this.#fail(error);
    }
  }

  /** A full disk costs the file, not the container: the newest lines stay in memory, and the next turn-over tries again. */
  #fail(error: unknown): void {
    if (!this.#failed) this.#report(error);
    this.#failed = true;
  }
}

const ended = (stream: WriteStream | null): Promise<void> =>
  new Promise((resolve) => (stream ? stream.once('close', resolve).end() : resolve()));

const formerOf = (file: string): string => `${file}.1`;

/** Lines of the log files of a container that is gone. */
export async function* readLogFile(file: string): AsyncIterable<LogLine> {
  for (const part of [formerOf(file), file]) {
    if (!existsSync(part)) continue;
    for await (const text of createInterface({ input: createReadStream(part), crlfDelay: Infinity })) {
      const line = parsed(text);
      if (line) yield line;
    }
  }
}

/** A line that a crash has cut off is none. */
function parsed(text: string): LogLine | null {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return null;
  }
}
