import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../../fleet/clock.ts';

/** A reader that was told to go gets so long for what is on its way. */
const goodbyeMs = 5_000;
/** Messages whose arrival is awaited at once; who answers no pings hears the older ones again if it comes back. */
const mostAwaited = 1_000;

export interface ClientSocketOptions {
  readonly socket: WebSocket;
  /** Beneath the socket. */
  readonly stream: Duplex;
  readonly clock: Clock;
  /** Whoever is so many bytes behind is closed; at a quarter of it, what can be missed is left out. */
  readonly backlogBytes: number;
}

/** One socket of a ComfyUI client. Nothing here waits for it: what it does not read in time is dropped, and in the end it is closed. */
export class ClientSocket {
  /** It understands previews that say where they belong. */
  wantsMetadata = false;
  readonly #options: ClientSocketOptions;
  #corked = false;
  /** To call when the client has all that was sent so far. */
  #awaited: (() => void)[] = [];
  /** Those of the ping that is under way; null: none is. */
  #pinged: (() => void)[] | null = null;

  constructor(options: ClientSocketOptions) {
    this.#options = options;
    options.socket.on('pong', () => this.#heard());
  }

  /** Sends what must arrive. `heard` is called when it has. */
  send(message: string | Buffer, heard?: () => void): void {
    if (heard) this.#await(heard);
    this.#write(message);
  }

  /** Sends what can be missed: the next one tells more. */
  sendLossy(message: string | Buffer): void {
    if (this.#options.socket.bufferedAmount < this.#options.backlogBytes / 4) this.#write(message);
  }

  /** Ends it with a reason. */
  close(code: number, reason: string, patienceMs = goodbyeMs): void {
    const { socket, clock } = this.#options;
    socket.close(code, reason);
    const timer = clock.at(clock.now() + patienceMs, () => socket.terminate());
    socket.once('close', () => timer.cancel());
  }

  #write(message: string | Buffer): void {
    const { socket, stream, backlogBytes } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > backlogBytes) {
      this.close(1013, 'the client reads too slowly');
      return;
    }
    // Messages of one turn of the event loop leave in one write.
    if (!this.#corked) {
      this.#corked = true;
      stream.cork();
      setImmediate(() => {
        this.#corked = false;
        stream.uncork();
      });
    }
    socket.send(message);
  }

  /** A pong answers a ping in order with all else, so it says that what went before has been read. One ping is under way at a time. */
  #await(heard: () => void): void {
    this.#awaited.push(heard);
    if (this.#awaited.length > mostAwaited) this.#awaited.shift();
    if (this.#pinged === null) setImmediate(() => this.#ping());
  }

  #ping(): void {
    const { socket } = this.#options;
    if (this.#pinged !== null || this.#awaited.length === 0 || socket.readyState !== socket.OPEN) return;
    this.#pinged = this.#awaited;
    this.#awaited = [];
    socket.ping();
  }

  #heard(): void {
    const heard = this.#pinged ?? [];
    this.#pinged = null;
    for (const call of heard) call();
    this.#ping();
  }
}
