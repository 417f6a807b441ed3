import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { configOf, createApiWorld } from '../test/support/api.ts';
import type { OpenedRuntime } from './runtimes/open.ts';
import { bannerOf, silentServers } from './banner.ts';

const server = createServer((request, response) => {
  const known = request.url?.startsWith('/comfy/') ?? false;
  response.writeHead(known ? 200 : 404).end('{}');
});
afterEach(() => server.close());

test('servers that do not answer, or not as ComfyUI does, are named with what to do', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urls = [`${url}/comfy`, url, 'http://127.0.0.1:1'];
  expect(await silentServers(configOf({ comfyui: { path: null, urls, python: null, args: [], cpu: false } }))).toEqual([
    expect.stringMatching(/^http:\S+ answers 404 to \/system_stats, which is not what ComfyUI does: start ComfyUI there, or mend the URL/),
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 does not answer \(.+\): start ComfyUI there/),
  ]);
});

test.each([
  ['0.0.0.0', 'every address of this machine (0.0.0.0)'],
  ['192.0.2.7', '192.0.2.7'],
  ['127.0.0.1', null],
])('on %s it says who reaches it, and the line to try carries a key where one is needed', async (host, where) => {
  const world = await createApiWorld();
  const { deployments, config } = world.context;
  const opened = { runtime: { name: 'emulated' } } as OpenedRuntime;
  const network = { ...config.network, host };
  const banner = bannerOf({
    config: { ...config, network },
    url: 'http://127.0.0.1:8288',
    opened,
    deployments,
    slots: [],
    notes: ['else'],
  });
  expect(banner.curl?.includes("-H 'authorization: Bearer YOUR_KEY'")).toBe(where !== null);
  expect(banner.notes).toEqual(where === null ? ['else'] : [expect.stringContaining(`it listens on ${where}: others reach it`), 'else']);
  await world.app.close();
});
