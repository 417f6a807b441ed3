import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { configOf } from '../test/support/api.ts';
import { silentServers } from './banner.ts';

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
