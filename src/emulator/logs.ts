import type { Sockets } from './sockets.ts';

export interface EmulatedLogLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** A real server keeps 300; hundreds of emulated ones share one process. */
const keptLines = 100;

interface Entry {
  readonly t: string;
  readonly m: string;
}

const entryOf = ({ at, text }: EmulatedLogLine): Entry => ({ t: new Date(at).toISOString(), m: `${text}\n` });

/** The last lines of a container's log, for its supervisor and for the clients that asked to hear them. */
export class Logs {
  readonly listeners = new Set<(line: EmulatedLogLine) => void>();
  readonly #sockets: Sockets;
  readonly #subscribers = new Set<string>();
  #lines: EmulatedLogLine[] = [];

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  add(line: EmulatedLogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    for (const listener of this.listeners) listener(line);
    for (const clientId of this.#subscribers) {
      if (this.#sockets.reaches(clientId)) this.#sockets.send('logs', { entries: [entryOf(line)], size: null }, clientId);
      else this.#subscribers.delete(clientId);
    }
  }

  subscribe(clientId: string, enabled: boolean): void {
    if (enabled && this.#sockets.reaches(clientId)) this.#subscribers.add(clientId);
    else this.#subscribers.delete(clientId);
  }

  /** The log as one text. */
  text(): string {
    return this.#lines
      .map(entryOf)
      .map(({ t, m }) => `${t} - ${m}`)
      .join('');
  }

  raw(): { entries: Entry[]; size: { cols: number; rows: number } } {
    return { entries: this.#lines.map(entryOf), size: { cols: 80, rows: 24 } };
  }
}
