import { createReadStream, createWriteStream, existsSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LogLine } from '../runtimes/runtime.ts';

const linesInMemory = 2_000;
const fileBytes = 5 * 1024 * 1024;
const longestLine = 16_384;

/** A container's log: the newest lines in memory, all of them in a file that is turned over once it is large (one former file is kept). */
export class ContainerLog {
  readonly #file: string;
  readonly #lines: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  #stream: WriteStream | null = null;
  #bytes = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(line: LogLine): void {
    const kept = line.text.length > longestLine ? { ...line, text: `${line.text.slice(0, longestLine)} ...` } : line;
    this.#lines.push(kept);
    if (this.#lines.length > 2 * linesInMemory) this.#lines.splice(0, this.#lines.length - linesInMemory);
    this.#write(`${JSON.stringify(kept)}\n`);
    for (const listener of this.#listeners) listener(kept);
  }

  /** The newest lines, oldest first. */
  recent(): readonly LogLine[] {
    return this.#lines.slice(-linesInMemory);
  }

  /** The last words, for messages. */
  tail(lines: number): string {
    return this.#lines
      .filter((line) => line.text.trim() !== '')
      .slice(-lines)
      .map((line) => line.text)
      .join('\n');
  }

  follow(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stream?.end();
    this.#stream = null;
  }

  #write(line: string): void {
    if (this.#bytes > fileBytes) this.#turnOver();
    if (!this.#stream) {
      this.#bytes = existsSync(this.#file) ? statSync(this.#file).size : 0;
      this.#stream = createWriteStream(this.#file, { flags: 'a', mode: 0o600 });
      // A full disk costs the file, not the container: the newest lines stay in memory.
      this.#stream.on('error', () => (this.#stream = null));
    }
    this.#bytes += Buffer.byteLength(line);
    this.#stream.write(line);
  }

  #turnOver(): void {
    this.close();
    renameSync(this.#file, `${this.#file}.1`);
    this.#bytes = 0;
  }
}

/** Lines of a log file whose container is gone. */
export async function* readLogFile(file: string): AsyncIterable<LogLine> {
  if (!existsSync(file)) return;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) yield JSON.parse(line) as LogLine;
}
