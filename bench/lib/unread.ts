import { connect } from 'node:net';
import { stamp } from './stamp.ts';

const knockEveryMs = 100;
/** An empty ping, masked with zeros. */
const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

/** A ComfyUI client that opens its socket and never reads a byte. Settles with the stamp of when the server had cut it off. */
export function openUnread(url: string, clientId: string): Promise<number> {
  const { hostname, port, host } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = connect(Number(port), hostname);
  socket.pause();
  const key = Buffer.alloc(16).toString('base64');
  const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
  socket.write(`GET /ws?clientId=${clientId} HTTP/1.1\r\nHost: ${host}\r\n${upgrade}\r\n\r\n`);
  // Whoever does not read learns of the end when it writes.
  const knocking = setInterval(() => socket.write(ping), knockEveryMs);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    clearInterval(knocking);
    resolve(stamp());
  });
  return promise;
}
