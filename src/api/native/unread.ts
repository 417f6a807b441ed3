import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Whoever holds back less is never in the way. */
const smallBytes = 64 * 1024;
/** Of a control frame: what it says comes on top. */
const controlFrameBytes = 6;

/**
 * Bytes of messages that have begun and not ended, over all sockets: each has to be kept until its end. With too many, whoever sends
 * more of a large one is dropped.
 */
export class Unread {
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Counts what comes in over a socket, whose stream is `stream`, until it closes. `drop` has to close it. */
  watch(socket: WebSocket, stream: Duplex, drop: () => void): void {
    let held = 0;
    const hold = (bytes: number): void => {
      this.#bytes += bytes - held;
      held = bytes;
    };
    const released = ({ length }: Buffer): void => hold(Math.max(0, held - length - controlFrameBytes));
    const received = ({ length }: Buffer): void => {
      // What comes after the end is thrown away.
      if (socket.readyState !== socket.OPEN) return;
      hold(held + length);
      if (held > smallBytes && this.#bytes > this.#mostBytes) drop();
    };
    // Before the socket itself reads it, and perhaps finds the end of a message in it.
    stream.prependListener('data', received);
    socket.on('message', () => hold(0));
    socket.on('ping', released);
    socket.on('pong', released);
    socket.once('close', () => {
      stream.off('data', received);
      hold(0);
    });
  }
}
