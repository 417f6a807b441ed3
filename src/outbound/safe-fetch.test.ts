import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { createAddressCheck } from './addresses.ts';
import { createSafeFetch, type Resolve } from './safe-fetch.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const limits = { maxBytes: 1_000, timeoutMs: 5_000 };
const resolveTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

/** Only 127.0.0.1 is open: it plays the public internet. */
const opened = (resolve: Resolve = resolveTo('127.0.0.1')) => createSafeFetch({ check: createAddressCheck(['127.0.0.1/32']), resolve });
const strict = (resolve?: Resolve) => createSafeFetch({ check: createAddressCheck(), ...(resolve ? { resolve } : {}) });

const refused = { code: 'url_refused' };
const failed = { code: 'url_failed' };

describe('what is fetched', () => {
  test('a file, from the address that was checked, under its own name', async () => {
    let host: string | undefined;
    const port = await serve((request, response) => {
      host = request.headers.host;
      response.setHeader('x-one', '1').end('bytes');
    });
    const response = await opened()(`http://files.example:${port}/a.png?secret`, limits);
    expect({ status: response.status, body: await text(response.body), url: response.url.pathname }).toEqual({
      status: 200,
      body: 'bytes',
      url: '/a.png',
    });
    expect(response.headers['x-one']).toBe('1');
    expect(host).toBe(`files.example:${port}`);
  });

  test('POST sends its body and headers, and is not redirected', async () => {
    const seen: unknown[] = [];
    const port = await serve((request, response) => {
      void text(request).then((body) => {
        seen.push([request.method, request.headers['x-one'], body]);
        response.writeHead(302, { location: '/elsewhere' }).end();
      });
    });
    const response = await opened()(`http://hook.example:${port}/`, {
      ...limits,
      method: 'POST',
      headers: { 'x-one': '1' },
      body: 'hello',
    });
    expect(response.status).toBe(302);
    await text(response.body);
    expect(seen).toEqual([['POST', '1', 'hello']]);
  });
});

describe('what is refused', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/',
    'http://0.0.0.0/',
    'http://10.0.0.1:8080/',
    'https://192.168.1.1/',
    'http://user:pass@example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'nonsense',
    '',
  ])('%s', async (url) => {
    await expect(strict()(url, limits)).rejects.toMatchObject(refused);
  });

  test('a name that leads to a private address, also beside a public one', async () => {
    await expect(strict(resolveTo('10.0.0.1'))('http://inside.example/', limits)).rejects.toMatchObject({
      ...refused,
      message: 'http://inside.example/: the private address 10.0.0.1, to which inside.example resolves, is not allowed',
    });
    await expect(strict(resolveTo('8.8.8.8', 'fd00::1'))('http://mixed.example/', limits)).rejects.toMatchObject(refused);
  });

  test('localhost by the machine’s own resolver', async () => {
    await expect(strict()('http://localhost:1/', limits)).rejects.toMatchObject(refused);
  });
});

describe('redirects', () => {
  const redirecting = (location: string) => serve((_request, response) => response.writeHead(302, { location }).end());

  test.each([
    'http://127.0.0.2/',
    'http://169.254.169.254/',
    'http://[::1]/',
    '//10.0.0.1/',
    'file:///etc/passwd',
    'http://user:x@files.example/',
  ])('to %s are refused', async (location) => {
    const port = await redirecting(location);
    await expect(opened()(`http://files.example:${port}/`, limits)).rejects.toMatchObject(refused);
  });

  test('to a name that resolves to a private address are refused', async () => {
    const port = await redirecting('http://inside.example/');
    const resolve: Resolve = async (name) => [{ address: name === 'inside.example' ? '10.0.0.1' : '127.0.0.1', family: 4 }];
    await expect(opened(resolve)(`http://files.example:${port}/`, limits)).rejects.toMatchObject(refused);
  });

  test.each([301, 302, 303, 307, 308])('%i to another place is followed', async (status) => {
    const port = await serve((request, response) => {
      if (request.url === '/old') response.writeHead(status, { location: 'new' }).end();
      else response.end(`at ${request.url}`);
    });
    const response = await opened()(`http://files.example:${port}/old`, limits);
    expect(await text(response.body)).toBe('at /new');
    expect(response.url.pathname).toBe('/new');
  });

  test('without end are given up', async () => {
    let count = 0;
    const port = await serve((_request, response) => void response.writeHead(302, { location: `/${(count += 1)}` }).end());
    await expect(opened()(`http://files.example:${port}/`, limits)).rejects.toMatchObject(failed);
    expect(count).toBe(6);
  });
});

test('a name that changes its address after the check (DNS rebinding) changes nothing', async () => {
  let asked = 0;
  const port = await serve((_request, response) => void response.end('checked'));
  const resolve: Resolve = async () => [{ address: (asked += 1) === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
  const response = await opened(resolve)(`http://rebind.example:${port}/`, limits);
  expect(await text(response.body)).toBe('checked');
  expect(asked).toBe(1);
});

describe('what goes wrong', () => {
  test('too many bytes', async () => {
    const port = await serve((_request, response) => void response.end('x'.repeat(1_001)));
    const response = await opened()(`http://files.example:${port}/`, limits);
    await expect(text(response.body)).rejects.toMatchObject({ ...failed, message: expect.stringContaining('more than 1000 bytes') });
  });

  test('no answer in time', async () => {
    const port = await serve(() => undefined);
    const late = opened()(`http://files.example:${port}/`, { ...limits, timeoutMs: 30 });
    await expect(late).rejects.toMatchObject({ ...failed, message: expect.stringContaining('in time') });
  });

  test('a body that does not end in time', async () => {
    const port = await serve((_request, response) => void response.write('some'));
    const response = await opened()(`http://files.example:${port}/`, { ...limits, timeoutMs: 100 });
    await expect(text(response.body)).rejects.toMatchObject(failed);
  });

  test('an answer cut off', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some', () => response.destroy());
    });
    const response = await opened()(`http://files.example:${port}/`, limits);
    await expect(text(response.body)).rejects.toMatchObject(failed);
  });

  test('nobody there, no such name, a name without addresses', async () => {
    const port = await serve(() => undefined);
    const [server] = servers.splice(0);
    await new Promise((resolve) => server!.close(resolve));
    await expect(opened()(`http://files.example:${port}/?secret=1`, limits)).rejects.toMatchObject({
      ...failed,
      message: `http://files.example:${port}/: ECONNREFUSED`,
    });
    const unknown: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    await expect(opened(unknown)('http://nowhere.example/', limits)).rejects.toMatchObject(failed);
    await expect(opened(resolveTo())('http://nowhere.example/', limits)).rejects.toMatchObject(failed);
  });
});
