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

interface Served {
  /** What `/history` answers. */
  readonly history?: () => unknown;
  /** Prompts that run and that wait; the probe's own is p1. */
  readonly queue?: () => readonly [running: string[], pending: string[]];
  readonly argv?: () => readonly string[];
  readonly port?: number;
}

/** A server that takes a probe prompt and answers about it as it is told; what it is asked for. */
async function serve({
  history = () => ({}),
  queue = () => [[], ['p1']],
  argv,
  port = 0,
}: Served): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const items = (ids: string[]): unknown[] => ids.map((id) => [0, id, {}, {}, []]);
  const answerTo = (route: string): unknown => {
    const [running, pending] = queue();
    switch (route) {
      case 'GET /system_stats':
        return { system: argv ? { argv: argv() } : {} };
      case 'GET /queue':
        return { queue_running: items(running), queue_pending: items(pending) };
      case 'GET /history/p1':
        return history();
      default:
        return { prompt_id: 'p1' };
    }
  };
  server = createServer((request, response) => {
    void (async () => {
      const body = request.method === 'POST' ? await json(request) : null;
      const route = `${request.method} ${request.url}`;
      asked.push(route === 'POST /queue' ? `${route} ${JSON.stringify(body)}` : route);
      response.end(JSON.stringify(answerTo(route)));
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
  const argv = () => (++looks < 3 ? ['main.py', '--database-url', 'other'] : ['main.py', '--database-url', 'own']);
  const { url, asked } = await serve({ history: () => succeeded, argv });
  await probe({ url }, { clock, signal, starting: { argument: 'own' } });
  expect(asked.indexOf('POST /prompt')).toBeGreaterThanOrEqual(3);
});

test('a server that does not say how it was started is taken at its word', async () => {
  const { url } = await serve({ history: () => succeeded });
  await expect(probe({ url }, { clock, signal, starting: { argument: 'own' } })).resolves.toBeUndefined();
});

test('a probe prompt that does not move is taken out of the queue again', async () => {
  const { url, asked } = await serve({});
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
  const { url, asked } = await serve({ history: endedAs('success') });
  await probe({ url }, { clock, signal, starting: null });
  const looks = Array.from({ length: 3 }, () => ['GET /queue', 'GET /history/p1']).flat();
  expect(asked).toEqual(['GET /system_stats', 'POST /prompt', ...looks]);
});

test('a prompt that fails is told with its last message', async () => {
  const { url } = await serve({ history: endedAs('error') });
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ code: 'container_lost', message: expect.stringContaining('no ears') });
});

test('a prompt that does not move is told', async () => {
  const { url } = await serve({});
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ message: 'it takes prompts but does not move them' });
});

test('prompts of others that run are waited for, however long; told once', async () => {
  let looks = 0;
  // Longer than a prompt may be stuck.
  const free = systemClock.now() * 100 + 150_000;
  const isFree = (): boolean => clock.now() > free;
  const told: string[] = [];
  const { url } = await serve({
    queue: () => (isFree() ? [[], []] : [['other'], ['p1']]),
    history: () => (looks++, isFree() ? succeeded : {}),
  });
  await probe({ url }, { clock, signal, starting: null, onBusy: () => told.push('busy') });
  expect(told).toEqual(['busy']);
  expect(looks).toBeGreaterThan(1);
});

test('a prompt that does not move once the others have ended is told', async () => {
  let looks = 0;
  const { url } = await serve({ queue: () => (++looks < 5 ? [['other'], ['p1']] : [[], ['p1']]) });
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ message: 'it takes prompts but does not move them' });
});

test('a prompt that runs and does not end is told, too', async () => {
  const { url } = await serve({ queue: () => [['p1'], []] });
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ message: 'it takes prompts but does not move them' });
});

test('a prompt that somebody has taken out of the queue is not waited for', async () => {
  const { url } = await serve({ queue: () => [['other'], []] });
  const probed = probe({ url }, { clock, signal, starting: null });
  await expect(probed).rejects.toMatchObject({ message: expect.stringContaining('taken the probe prompt out') });
});

test('a server that starts is waited for, one that should run already is not', async () => {
  const { url } = await serve({ history: () => succeeded });
  const { port } = new URL(url);
  await new Promise((resolve) => server.close(resolve));
  await expect(probe({ url }, { clock, signal, starting: null })).rejects.toThrow();
  const probed = probe({ url }, { clock, signal, starting: { argument: 'own' } });
  await serve({ history: () => succeeded, port: Number(port) });
  await probed;
});

test.each([
  ['when nothing runs', [[], ['p1']]],
  ['when another one runs', [['other'], ['p1']]],
] as [string, [string[], string[]]][])('an abort ends the waiting for the prompt, and takes it out of the queue, %s', async (_, queue) => {
  const { url, asked } = await serve({ queue: () => queue });
  const abort = new AbortController();
  const probed = probe({ url }, { clock, signal: abort.signal, starting: null });
  await expect.poll(() => asked).toContain('GET /history/p1');
  abort.abort();
  await expect(probed).rejects.toThrow(/abort/i);
  expect(asked.at(-1)).toBe('POST /queue {"delete":["p1"]}');
});

test('an abort ends the waiting for the port', async () => {
  const { url } = await serve({ argv: () => ['another'] });
  const abort = new AbortController();
  const probed = probe({ url }, { clock, signal: abort.signal, starting: { argument: 'own' } });
  abort.abort();
  await expect(probed).rejects.toThrow(/abort/i);
});
