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
async function serve(entry: () => unknown, argv?: () => readonly string[], port = 0): Promise<{ url: string; asked: string[] }> {
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
  server.listen(port, '127.0.0.1');
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

/** A server whose probe prompt has ended like this by the third question about it. */
function endedAs(status: string): () => unknown {
  let questions = 0;
  const ended = {
    outputs: {},
    status: { status_str: status, completed: true, messages: [['execution_error', { exception_message: 'no ears' }]] },
  };
  return () => (++questions > 2 ? { p1: ended } : {});
}

test('it settles when the prompt went through, and leaves it in history', async () => {
  const { url, asked } = await serve(endedAs('success'));
  await probe({ url }, { clock, signal, starting: null });
  expect(asked).toEqual(['GET /system_stats', 'POST /prompt', ...Array<string>(3).fill('GET /history/p1')]);
});

test('a prompt that fails is told with its last message', async () => {
  const { url } = await serve(endedAs('error'));
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ code: 'container_lost', message: expect.stringContaining('no ears') });
});

test('a prompt that does not move is told', async () => {
  const { url } = await serve(() => ({}));
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ message: 'it takes prompts but does not move them' });
});

test('a server that starts is waited for, one that should run already is not', async () => {
  const { url } = await serve(() => succeeded);
  const { port } = new URL(url);
  await new Promise((resolve) => server.close(resolve));
  await expect(probe({ url }, { clock, signal, starting: null })).rejects.toThrow();
  const probed = probe({ url }, { clock, signal, starting: { argument: 'own' } });
  await serve(() => succeeded, undefined, Number(port));
  await probed;
});

test('an abort ends the waiting for the prompt', async () => {
  const { url, asked } = await serve(() => ({}));
  const abort = new AbortController();
  const probed = probe({ url }, { clock, signal: abort.signal, starting: null });
  await expect.poll(() => asked).toContain('GET /history/p1');
  abort.abort();
  await expect(probed).rejects.toThrow(/abort/i);
});

test('an abort ends the waiting for the port', async () => {
  const { url } = await serve(
    () => ({}),
    () => ['another'],
  );
  const abort = new AbortController();
  const probed = probe({ url }, { clock, signal: abort.signal, starting: { argument: 'own' } });
  abort.abort();
  await expect(probed).rejects.toThrow(/abort/i);
});
