import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { ServerSettings } from './flags.ts';

/** What a server says that it can do. */
export const featuresOf = ({ maximumBody }: Pick<ServerSettings, 'maximumBody'>): object => ({
  supports_preview_metadata: true,
  max_upload_size: maximumBody,
});

/** Bytes that may wait for a client that does not read; with more, it is dropped. */
const mostWaiting = 32 * 2 ** 20;

/** Handles the handshake of all containers: it keeps nothing. */
const handshake = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });

/** Why a request for the socket does not open one; null: it may. */
export function handshakeError({ upgrade, connection }: IncomingHttpHeaders): string | null {
  if (upgrade?.trim().toLowerCase() !== 'websocket')
    return `No WebSocket UPGRADE hdr: ${upgrade ?? 'None'}\n Can "Upgrade" only to "WebSocket".`;
  return connection?.toLowerCase().includes('upgrade') ? null : `No CONNECTION upgrade hdr: ${connection ?? 'None'}`;
}

interface Client {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  takesMetadata: boolean;
  corked: boolean;
}

/** Kinds of binary frames, by ComfyUI's numbers. */
export const frames = { preview: 1, text: 3, previewWithMetadata: 4 } as const;

/** `kind` and further parts as one binary frame; numbers are written as 4 bytes, big-endian. */
export function frame(...parts: readonly (number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part !== 'number') return part;
      const word = Buffer.alloc(4);
      word.writeUInt32BE(part);
      return word;
    }),
  );
}

/**
 * The clients of one container. One socket per client id: a second one takes over the name; when the first is closed, the name is
 * gone for both. That is ComfyUI's behaviour, kept because the fleet must live with it.
 */
export class Sockets {
  readonly #clients = new Map<string, Client>();
  readonly #open = new Set<WebSocket>();
  readonly #features: object;
  readonly #greet: (clientId: string) => void;
  readonly #dropped: (reason: string) => void;
  /** A fault: nothing goes out. */
  silent = false;

  /** `greet` is called for each new client; what it sends comes first. `dropped` hears why a client was cut off. */
  constructor(options: { features: object; greet: (clientId: string) => void; dropped: (reason: string) => void }) {
    this.#features = options.features;
    this.#greet = options.greet;
    this.#dropped = options.dropped;
  }

  accept(request: IncomingMessage, stream: Duplex, head: Buffer, clientId: string): void {
    handshake.handleUpgrade(request, stream, head, (socket) => {
      const id = clientId === '' ? randomUUID().replaceAll('-', '') : clientId;
      const client: Client = { socket, stream, takesMetadata: false, corked: false };
      this.#clients.set(id, client);
      this.#open.add(socket);
      let first = true;
      socket.on('message', (data, isBinary) => {
        if (isBinary) return;
        if (first) this.#introduce(client, (data as Buffer).toString());
        first = false;
      });
      socket.on('close', () => {
        this.#clients.delete(id);
        this.#open.delete(socket);
      });
      // A broken connection also closes, and there is nothing more to do about it.
      socket.on('error', () => socket.terminate());
      this.#greet(id);
    });
  }

  /** True when a message to this client (null: to all) has someone to hear it. */
  reaches(clientId: string | null): boolean {
    return !this.silent && (clientId === null ? this.#clients.size > 0 : this.#clients.has(clientId));
  }

  /** True when the client takes previews that say what they are of. */
  takesMetadata(clientId: string | null): boolean {
    return clientId !== null && this.#clients.get(clientId)?.takesMetadata === true;
  }

  /** Sends a message to one client, or to all for null. It is lost when the client is not there. */
  send(type: string, data: unknown, clientId: string | null): void {
    if (this.reaches(clientId)) this.#deliver(JSON.stringify({ type, data }), clientId);
  }

  sendFrame(data: Buffer, clientId: string | null): void {
    if (this.reaches(clientId)) this.#deliver(data, clientId);
  }

  /** Ends all connections at once. */
  close(): void {
    for (const socket of this.#open) socket.terminate();
    this.#open.clear();
    this.#clients.clear();
  }

  #deliver(message: string | Buffer, clientId: string | null): void {
    if (clientId === null) {
      for (const client of this.#clients.values()) this.#write(client, message);
      return;
    }
    const client = this.#clients.get(clientId);
    if (client) this.#write(client, message);
  }

  /** Messages of one turn of the event loop leave in one write. */
  #write(client: Client, message: string | Buffer): void {
    const { bufferedAmount } = client.socket;
    if (bufferedAmount > mostWaiting) {
      if (client.socket.readyState === client.socket.OPEN) this.#dropped(`A client does not read: ${bufferedAmount} bytes wait for it.`);
      client.socket.terminate();
      return;
    }
    if (!client.corked) {
      client.corked = true;
      client.stream.cork();
      setImmediate(() => {
        client.corked = false;
        client.stream.uncork();
      });
    }
    client.socket.send(message);
  }

  /** The one thing a client may say: what it can do, as its first message. */
  #introduce(client: Client, text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      // Not JSON: ignored, as by ComfyUI.
      return;
    }
    const { type, data } = (message ?? {}) as { type?: unknown; data?: { supports_preview_metadata?: unknown } };
    if (type !== 'feature_flags') return;
    client.takesMetadata = data?.supports_preview_metadata === true;
    if (!this.silent) this.#write(client, JSON.stringify({ type: 'feature_flags', data: this.#features }));
  }
}
