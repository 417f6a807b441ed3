import { once } from 'node:events';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createApiWorld, listen, rawRequest, type ApiWorld, type WorldOptions } from '../../test/support/api.ts';
import { settle } from '../../test/support/virtual-clock.ts';
import { ComfleetError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { DashboardPage } from './context.ts';
import { checkOrigin } from './origin.ts';

let world: ApiWorld;
const create = async (options: WorldOptions = {}): Promise<ApiWorld> => (world = await createApiWorld(options));
afterEach(() => world.app.close());

const noJobs = async () => expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);

describe('every answer', () => {
  test('has the security headers and an id', async () => {
    await create();
    const response = await world.app.inject('/livez');
    expect(response.body).toBe('ok\n');
    expect(response.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('multipart without a boundary is refused as the caller’s mistake', async () => {
    await create();
    const response = await world.app.inject({ method: 'POST', url: '/', payload: 'x', headers: { 'content-type': 'multipart/form-data' } });
    expect(response.json()).toMatchObject({ code: 'invalid_body', status: 400 });
    await noJobs();
  });

  test.each([
    ['abc-123', true],
    ['x'.repeat(129), false],
    ['a b', false],
  ])('the id %s of the caller is kept: %s', async (id, kept) => {
    await create();
    const response = await world.app.inject({ url: '/livez', headers: { 'x-request-id': id } });
    expect(response.headers['x-request-id'] === id).toBe(kept);
  });

  test('nothing there is 404, a wrong method is 405', async () => {
    await create();
    const missing = await world.app.inject('/nothing?token=secret');
    expect(missing.json()).toMatchObject({ status: 404, code: 'not_found', detail: 'There is nothing at /nothing' });
    const wrong = await world.app.inject({ method: 'PUT', url: '/fleet/v1/jobs/some-id' });
    expect(wrong.statusCode).toBe(405);
    expect(wrong.headers['allow']).toBe('DELETE, GET, HEAD');
    expect(wrong.json()).toMatchObject({ code: 'method_not_allowed' });
    expect((await world.app.inject({ method: 'DELETE', url: '/' })).headers['allow']).toBe('GET, HEAD, POST');
  });

  test.each(['/%zz', '/fleet/v1/jobs/%E0%A4%A'])('the path %s cannot be read', async (url) => {
    await create();
    const response = await world.app.inject(url);
    expect(response.json()).toMatchObject({ status: 400, code: 'invalid_parameter', request_id: response.headers['x-request-id'] });
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
  });

  test('a path that is far too long is not found', async () => {
    await create();
    expect((await world.app.inject(`/fleet/v1/jobs/${'x'.repeat(301)}`)).json()).toMatchObject({ code: 'not_found' });
  });

  test('what is not of the catalogue is internal, keeps its text to itself and is logged', async () => {
    await create({ change: ({ jobs }) => ({ jobs: { ...jobs, get: () => Promise.reject(new Error('secret detail')) } }) });
    const response = await world.app.inject('/fleet/v1/jobs/x');
    expect(response.json()).toMatchObject({ status: 500, code: 'internal' });
    expect(response.body).not.toContain('secret detail');
    const line = world.logLines.find(({ event }) => event === 'request_failed');
    expect(line).toMatchObject({ request_id: response.headers['x-request-id'] });
  });

  test.each(['ENOSPC', 'EDQUOT'])('a full disk (%s) is 503 and says that nothing was kept', async (code) => {
    const full = Object.assign(new Error('no space'), { code });
    await create({ change: ({ jobs }) => ({ jobs: { ...jobs, submit: () => Promise.reject(full) } }) });
    const response = await world.app.inject({ method: 'POST', url: '/', payload: { prompt: 'x' } });
    expect(response.json()).toMatchObject({ status: 503, code: 'store_failed' });
    expect(response.headers['retry-after']).toBe('5');
    await noJobs();
  });

  test('every request is counted once when it starts and once when it ends, by its route', async () => {
    const counted: string[] = [];
    await create({
      change: ({ metrics }) => ({
        metrics: {
          ...metrics,
          httpStarted: ({ method, route }) => void counted.push(`${method} ${route}`),
          httpFinished: ({ method, route, status }) => void counted.push(`${method} ${route} ${status}`),
        },
      }),
    });
    await world.app.inject('/fleet/v1/jobs/some-id');
    await world.app.inject({ url: '/livez', headers: { host: 'evil.example' } });
    await world.app.inject('/nothing');
    expect(counted).toEqual([
      'GET /fleet/v1/jobs/:id',
      'GET /fleet/v1/jobs/:id 404',
      'GET /livez',
      'GET /livez 403',
      'GET null',
      'GET null 404',
    ]);
  });

  test('429 says when to come back', async () => {
    const busy = new ComfleetError('too_many_requests', 'Slowly', { retry_after: 2.2 });
    await create({ change: ({ jobs }) => ({ jobs: { ...jobs, submit: () => Promise.reject(busy) } }) });
    const response = await world.app.inject({ method: 'POST', url: '/', payload: { prompt: 'x' } });
    expect(response).toMatchObject({ statusCode: 429, headers: { 'retry-after': '3' } });
  });

  test('no line of the log has a secret in it', async () => {
    await create();
    const { secret } = await world.context.keys.create('one', 'admin');
    await world.app.inject({ url: '/fleet/v1/jobs', headers: { authorization: `Bearer ${secret}` } });
    await world.app.inject({ url: '/fleet/v1/jobs', headers: { 'x-api-key': secret } });
    await world.app.inject(`/fleet/v1/jobs/x/events?token=${secret}`);
    await settle();
    expect(world.logLines.filter(({ event }) => event === 'http_request').length).toBe(3);
    expect(JSON.stringify(world.logLines)).not.toContain(secret);
  });
});

describe('Host and Origin', () => {
  const ask = async (headers: Record<string, string>, network = {}) => {
    await create({ config: { network: { host: '127.0.0.1', port: 8288, hosts: ['gpu-box.lan'], allowPrivate: [], ...network } } });
    return (await world.app.inject({ url: '/livez', headers })).statusCode;
  };

  test.each([
    'localhost:8288',
    'LOCALHOST',
    'comfleet.localhost:1',
    '127.0.0.1:9000',
    '127.9.9.9',
    '[::1]:8288',
    'gpu-box.lan:443',
    'localhost.',
  ])('%s is allowed', async (host) => expect(await ask({ host })).toBe(200));

  test.each(['evil.example', 'localhost.evil.example', '192.168.1.5:8288', '127.0.0.1.evil.example', 'a b', '[::2]', '0.0.0.0'])(
    '%s is refused',
    async (host) => expect(await ask({ host })).toBe(403),
  );

  test('a request without a host name is refused', async () => {
    await create();
    expect(() => checkOrigin({}, world.context.config.network)).toThrow(expect.objectContaining({ code: 'bad_origin' }));
  });

  test('listening everywhere it takes addresses, but no names that it was not told', async () => {
    expect(await ask({ host: '192.168.1.5:8288' }, { host: '0.0.0.0' })).toBe(200);
    await world.app.close();
    expect(await ask({ host: 'evil.example' }, { host: '0.0.0.0' })).toBe(403);
  });

  test.each([
    ['http://localhost:8288', 'localhost:8288', 200],
    ['http://localhost', 'localhost:80', 200],
    ['https://gpu-box.lan', 'gpu-box.lan', 200],
    ['https://gpu-box.lan', 'gpu-box.lan:443', 200],
    ['http://localhost:8289', 'localhost:8288', 403],
    ['http://127.0.0.1:8288', 'localhost:8288', 403],
    ['https://evil.example', 'localhost:8288', 403],
    ['null', 'localhost:8288', 403],
    ['nonsense', 'localhost:8288', 403],
  ])('Origin %s to %s is %i', async (origin, host, status) => expect(await ask({ origin, host })).toBe(status));

  test('a foreign page makes no job', async () => {
    await create();
    const response = await world.app.inject({
      method: 'POST',
      url: '/',
      headers: { origin: 'https://evil.example' },
      payload: { prompt: 'x' },
    });
    expect(response.json()).toMatchObject({ status: 403, code: 'bad_origin' });
    await noJobs();
  });

  test('an upgrade is checked like any request', async () => {
    await create();
    const port = await listen(world.app);
    const answer = await rawRequest(
      port,
      `GET /fleet/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: http://evil.example\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
  });
});

describe('on the wire', () => {
  const head = (port: number, length: number) =>
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

  test('a body that comes too slowly is 408, and the connection ends', async () => {
    await create({ limits: { bodyMs: 30 } });
    const port = await listen(world.app);
    const answer = await rawRequest(port, `${head(port, 100)}{"prompt"`);
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
    expect(answer.toLowerCase()).toContain('connection: close');
    await noJobs();
  });

  test('headers that come too slowly are 408', async () => {
    await create({ limits: { headersMs: 40 } });
    const port = await listen(world.app);
    const answer = await rawRequest(port, 'GET /livez HTTP/1.1\r\nHost: 127');
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
  });

  test('a body cut off changes nothing', async () => {
    await create();
    const port = await listen(world.app);
    const answer = await rawRequest(port, `${head(port, 100)}{"prompt"`, { halfClose: true });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_body"');
    await noJobs();
  });

  test('what is no HTTP is 400, headers without end are 431', async () => {
    await create();
    const port = await listen(world.app);
    expect(await rawRequest(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    const long = await rawRequest(port, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1.1 431 [^]*"status":431/);
  });

  test('a body larger than it says it may be is refused before it is sent', async () => {
    await create({ limits: { bodyBytes: 100 } });
    const port = await listen(world.app);
    expect(await rawRequest(port, head(port, 100_000_000))).toMatch(/^HTTP\/1.1 413 [^]*"code":"body_too_large"/);
  });

  test('closing does not wait for connections that never sent a request', async () => {
    await create();
    const silent = connect(await listen(world.app), '127.0.0.1');
    await once(silent, 'connect');
    const ended = once(silent.resume(), 'close');
    await world.app.close();
    await ended;
  });

  test('closing ends the streams', async () => {
    await create();
    const port = await listen(world.app);
    const response = await fetch(`http://127.0.0.1:${port}/fleet/v1/events`);
    const text = response.text();
    await world.app.close();
    expect(await text).toContain('event: reset');
  });
});

describe('probes', () => {
  test('ready while jobs can be taken', async () => {
    await create();
    expect(await world.app.inject('/readyz')).toMatchObject({ statusCode: 200, body: 'ok\n' });
    const verbose = await world.app.inject('/readyz?verbose');
    expect(verbose.body).toBe('[+]store ok\n[+]deployments ok\n[+]accepting ok\nreadyz check passed\n');
    world.drain();
    const draining = await world.app.inject('/readyz');
    expect(draining).toMatchObject({ statusCode: 503, headers: { 'retry-after': '5' } });
    expect(draining.body).toContain('[-]accepting failed: the gateway is shutting down');
    expect((await world.app.inject('/livez')).statusCode).toBe(200);
    expect((await world.app.inject('/healthz')).statusCode).toBe(200);
  });

  test('not ready without a store or a deployment', async () => {
    const broken = () => Promise.reject(new Error('the disk is gone'));
    await create({ change: ({ store }) => ({ store: { ...store, document: broken } }) });
    world.deployments.items.length = 0;
    const { statusCode, body } = await world.app.inject('/readyz');
    expect(statusCode).toBe(503);
    expect(body).toContain('[-]store failed: the disk is gone\n[-]deployments failed: there is no deployment');
  });

  test('not ready while the disk takes no writes, though it can be read; the probe finds out that it does again', async () => {
    let full = true;
    const saveDocument: Store['saveDocument'] = async () => {
      if (full) throw new ComfleetError('store_failed', 'the disk is full');
    };
    await create({ change: ({ store }) => ({ store: { ...store, saveDocument, trouble: () => 'the disk is full' } }) });
    const refused = await world.app.inject('/readyz');
    expect([refused.statusCode, refused.body]).toEqual([503, expect.stringContaining('[-]store failed: the disk is full')]);
    full = false;
    expect((await world.app.inject('/readyz')).statusCode).toBe(200);
  });

  test('metrics', async () => {
    await create();
    expect(await world.app.inject('/metrics')).toMatchObject({ statusCode: 200, body: 'comfleet_build_info 1\n' });
  });
});

describe('the dashboard', () => {
  const withPage = (page: DashboardPage) => create({ change: () => ({ dashboard: () => page }) });

  test('while it is built the page says so and comes again by itself', async () => {
    await withPage({ state: 'building' });
    const response = await world.app.inject('/dashboard/');
    expect(response).toMatchObject({ statusCode: 503, headers: { refresh: '1', 'content-type': 'text/html; charset=utf-8' } });
    expect(response.body).toContain('is being built');
  });

  test('when it cannot be built it says why', async () => {
    await withPage({ state: 'failed', reason: 'vite is <missing>.' });
    const response = await world.app.inject('/dashboard/');
    expect(response.statusCode).toBe(503);
    expect(response.headers['refresh']).toBeUndefined();
    expect(response.body).toContain('vite is &lt;missing&gt;.');
  });

  test('its files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dashboard-'));
    try {
      await mkdir(join(folder, 'web', 'assets'), { recursive: true });
      await writeFile(join(folder, 'web', 'index.html'), '<p>page</p>');
      await writeFile(join(folder, 'web', 'assets', 'main-abc.js'), 'js');
      await writeFile(join(folder, 'secret.txt'), 'secret');
      await withPage({ state: 'ready', folder: join(folder, 'web') });
      expect(await world.app.inject('/dashboard')).toMatchObject({ statusCode: 302, headers: { location: '/dashboard/' } });
      const page = await world.app.inject('/dashboard/');
      expect(page).toMatchObject({ statusCode: 200, body: '<p>page</p>', headers: { 'cache-control': 'no-cache' } });
      expect(page.headers['content-security-policy']).toContain("default-src 'self'");
      expect((await world.app.inject('/dashboard/jobs/123')).body).toBe('<p>page</p>');
      const script = await world.app.inject('/dashboard/assets/main-abc.js');
      expect(script.headers).toMatchObject({
        'content-type': expect.stringContaining('javascript'),
        'cache-control': expect.stringContaining('immutable'),
      });
      expect((await world.app.inject('/dashboard/assets/other.js')).json()).toMatchObject({ status: 404 });
      for (const path of ['../secret.txt', '%2e%2e/secret.txt', '..%2fsecret.txt', 'assets/..%2f..%2fsecret.txt']) {
        expect((await world.app.inject(`/dashboard/${path}`)).body).not.toContain('"secret"');
        expect((await world.app.inject(`/dashboard/${path}`)).statusCode).toBe(404);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
