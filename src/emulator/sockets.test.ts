import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Sockets } from './sockets.ts';

let dropped: string[];
let sockets: Sockets;
let port: number;
const http = createServer();

beforeEach(async () => {
  dropped = [];
  sockets = new Sockets({
    features: {},
    greet: (id) => sockets.send('status', { sid: id }, id),
    dropped: (reason) => dropped.push(reason),
  });
  http.removeAllListeners('upgrade');
  http.on('upgrade', (request, stream, head) =>
    sockets.accept(request, stream, head, new URL(request.url ?? '', 'http://x').searchParams.get('clientId') ?? ''),
  );
  if (!http.listening) await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  ({ port } = http.address() as AddressInfo);
});
afterEach(() => {
  sockets.close();
  http.close();
});

/** A client that has been greeted. */
async function open(clientId: string): Promise<{ socket: WebSocket; heard: string[] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?clientId=${clientId}`);
  const heard: string[] = [];
  socket.on('message', (data: Buffer) => heard.push(data.toString()));
  await once(socket, 'message');
  return { socket, heard };
}

/** A client that shakes hands and reads nothing more. */
async function deaf(clientId: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  const key = Buffer.alloc(16).toString('base64');
  socket.write(`GET /ws?clientId=${clientId} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
  socket.write(`Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  await once(socket, 'data');
  socket.pause();
  socket.on('error', () => {});
  return socket;
}

test('a client that never reads is dropped with a reason, and nobody else notices', async () => {
  const lost = await deaf('deaf');
  const { socket, heard } = await open('other');
  const text = 'x'.repeat(2 ** 20);
  const messages = 80;
  const all = new Promise<void>((resolve) => socket.on('message', () => heard.length > messages && resolve()));
  for (let i = 0; i < messages; i++) {
    sockets.send('status', { text }, null);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  expect(dropped).toHaveLength(1);
  expect(dropped[0]).toMatch(/^A client does not read: \d+ bytes wait for it\.$/);
  expect(sockets.reaches('deaf')).toBe(false);
  expect(sockets.reaches('other')).toBe(true);
  lost.destroy();
});

test('a thousand sockets of one client id: the last one has the name', async () => {
  const all = await Promise.all(Array.from({ length: 1_000 }, () => open('same')));
  const last = await open('same');
  sockets.send('status', { round: 1 }, 'same');
  await once(last.socket, 'message');
  expect(last.heard).toHaveLength(2);
  expect(all.every(({ heard }) => heard.length === 1)).toBe(true);
});

test('what is no JSON is ignored, be it text or bytes', async () => {
  const { socket, heard } = await open('c');
  for (const words of ['{"type":', '[]', 'null', '1', Buffer.from([0, 255])]) socket.send(words);
  socket.ping();
  await once(socket, 'pong');
  sockets.send('status', {}, 'c');
  await once(socket, 'message');
  expect(heard).toHaveLength(2);
});
