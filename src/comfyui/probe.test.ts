import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { createSystemClock } from '../fleet/system-clock.ts';
import { probe } from './probe.ts';

const systemClock = createSystemClock();
/** Times of the probe pass a hundred times as fast. */
const clock: typeof systemClock = {
  now: () => systemClock.now() * 100,
  at: (at, fn) => systemClock.at(at / 100, fn),
};
let server: Server;

/** A server whose `/history` is answered by `entry`; what it is asked for. */
async function serve(entry: () => unknown, argv?: () => readonly string[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  server = createServer((request, response) => {
    void (async () => {
      const body = request.method === 'POST' ? await json(request) : null;
      asked.push(`${request.method} ${request.url}${request.url === '/queue' ? ` ${JSON.stringify(body)}` : ''}`);
      if (request.url === '/queue') return response.end();
      if (request.url === '/prompt') return response.end('{"prompt_id":"p1"}');
      const answer = request.url === '/system_stats' ? { system: argv ? { argv: argv() } : {} } : entry();
      return response.end(JSON.stringify(answer));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const succeeded = { p1: { outputs: {}, status: { status_str: 'success', completed: true, messages: [] } } };
const signal = new AbortController().signal;

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a server of another container on the same port is not taken for the one that starts', async () => {
  let looks = 0;
  const { url, asked } = await serve(
    () => succeeded,
    () => (++looks < 3 ? ['main.py', '--database-url', 'other'] : ['main.py', '--database-url', 'own']),
  );
  await probe({ url }, { clock, signal, starting: { argument: 'own' } });
  expect(asked.indexOf('POST /prompt')).toBeGreaterThanOrEqual(3);
});

test('a server that does not say how it was started is taken at its word', async () => {
  const { url } = await serve(() => succeeded);
  await expect(probe({ url }, { clock, signal, starting: { argument: 'own' } })).resolves.toBeUndefined();
});

test('a probe prompt that does not move is taken out of the queue again', async () => {
  const { url, asked } = await serve(() => ({}));
  await expect(probe({ url }, { clock, signal, starting: null })).rejects.toMatchObject({ code: 'container_lost' });
  expect(asked.at(-1)).toBe('POST /queue {"delete":["p1"]}');
});
