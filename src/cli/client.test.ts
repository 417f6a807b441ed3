import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createClient, type StreamEvent } from './client.ts';

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers one request after the other with these. */
async function answering(...answers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const requests: IncomingMessage[] = [];
  const listening = createServer((request, response) => {
    requests.push(request);
    answers.shift()?.(request, response);
  });
  server = listening;
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  return { client: createClient({ url: `${url}/`, key: 'cfk_x' }), requests, url };
}

const stream = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });

test('a stream that breaks goes on after the last event, until the server says that there is no more', async () => {
  const { client, requests } = await answering(
    (_, response) =>
      stream(response).write('retry: 2000\n\n: alive\n\nid: 1\nevent: queued\nda', () =>
        response.write('ta: {"a":1}\n\n', () => response.destroy()),
      ),
    (_, response) => stream(response).end('id: 2\r\nevent: started\r\ndata: one\r\ndata: two\r\n\r\n'),
    (_, response) => response.writeHead(204).end(),
  );
  const events: StreamEvent[] = [];
  for await (const event of client.events('/x', new AbortController().signal)) events.push(event);
  expect(events).toEqual([
    { id: '1', type: 'queued', data: { a: 1 } },
    { id: '2', type: 'started', data: 'one\ntwo' },
  ]);
  expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2']);
  expect(requests.map(({ headers }) => headers.authorization)).toEqual(Array.from({ length: 3 }, () => 'Bearer cfk_x'));
});

test('a stream ends with its signal', async () => {
  const ended = new AbortController();
  const { client } = await answering((_, response) => stream(response).write('data: 1\n\n'));
  for await (const { data } of client.events('/x', ended.signal)) {
    expect(data).toBe(1);
    ended.abort();
  }
});

test('a stream that never began fails', async () => {
  const { client } = await answering((_, response) => response.destroy());
  await expect(client.events('/x', new AbortController().signal).next()).rejects.toMatchObject({ away: true });
});

test('answers that are not a of a gateway are said so', async () => {
  const html = (_: IncomingMessage, response: ServerResponse): void => void response.end('<html>');
  const bad = (_: IncomingMessage, response: ServerResponse): void => void response.writeHead(502).end('<html>');
  const { client } = await answering(html, bad);
  await expect(client.call('GET', '/x')).rejects.toMatchObject({ problem: { next: 'Check that --url names a comfleet gateway.' } });
  await expect(client.call('GET', '/x')).rejects.toThrow('The gateway answered 502 Bad Gateway.');
});

test('a problem without a next step gets that of the catalogue', async () => {
  const { client } = await answering((_, response) => response.writeHead(404).end('{"code":"unknown_job","detail":"no x"}'));
  await expect(client.call('GET', '/x')).rejects.toMatchObject({
    problem: { detail: 'no x', next: expect.stringContaining('List jobs') as string },
  });
});
