import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { configOf, createApiWorld, listen, type ApiWorld } from '../../../test/support/api.ts';
import type { PassedRequest } from '../../comfyui/runner.ts';
import type { WholeAnswer } from '../native/pass.ts';
import { createPageServer } from './server.ts';
import { PageSessions, sessionMs } from './sessions.ts';

let folder: string;
let world: ApiWorld;
let sessions: PageSessions;
let page: Server;
let port: number;
let gatewayPort: number;
/** What a container answers: null, while none is ready. */
let answerOfContainer: WholeAnswer | null;
let asked: string[];
const container = async ({ path }: PassedRequest): Promise<WholeAnswer | null> => (asked.push(path), answerOfContainer);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'comfleet-page-'));
  writeFileSync(join(folder, 'secret'), 'secret');
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files', 'index.html'), '<title>ComfyUI</title>');
  writeFileSync(join(folder, 'files', 'a.js'), 'alert(1)');
  world = await createApiWorld({
    config: { network: { ...configOf().network, hosts: ['gpu-box.lan'] } },
    change: ({ clock, random, keys }) => {
      sessions = new PageSessions({ clock, random, keys });
      return { page: { sessions, port: () => port } };
    },
  });
  gatewayPort = await listen(world.app);
  asked = [];
  page = await createPageServer({ config: world.context.config, sessions, gateway: world.app, folder: join(folder, 'files'), container });
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  ({ port } = page.address() as AddressInfo);
});
afterEach(async () => {
  page.close();
  page.closeAllConnections();
  await world.app.close();
  rmSync(folder, { recursive: true });
});

type Headers = Record<string, string>;

/** By hand, since fetch sets Host itself and tidies paths up. */
function send(path: string, headers: Headers = {}, { method = 'GET', body = '', to = port } = {}) {
  return new Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port: to, path, method, headers }, (answer) => {
      text(answer).then((read) => resolve({ status: answer.statusCode, headers: answer.headers, body: read }), reject);
    });
    outgoing.on('error', reject).end(body);
  });
}

/** The cookie of somebody who follows the gateway's link. */
async function open(headers: Headers = {}): Promise<Headers> {
  const link = (await send('/page/', headers, { to: gatewayPort })).headers.location ?? '';
  const entered = await send(new URL(link).pathname + new URL(link).search);
  return { cookie: entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '' };
}

const keyOf = async (name: string, role: 'admin' | 'invoke') => world.context.keys.create(name, role);

describe('opening the page', () => {
  test('needs a link of the gateway, which is good once and for a minute', async () => {
    for (const path of ['/', '/a.js', '/api/queue', '/comfleet/enter', '/comfleet/enter?ticket=x']) {
      expect([path, [401, 403].includes((await send(path)).status ?? 0)]).toEqual([path, true]);
    }
    const { status, headers } = await send('/page/', {}, { to: gatewayPort });
    expect(status).toBe(303);
    const { pathname, search, port: linked } = new URL(headers.location ?? '');
    expect(Number(linked)).toBe(port);
    expect((await send(pathname + search, {}, { method: 'POST' })).status).toBe(403);
    const entered = await send(pathname + search);
    expect([entered.status, entered.headers.location]).toEqual([303, '/']);
    expect(entered.headers['set-cookie']?.[0]).toMatch(/^comfleet_page=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/);
    expect((await send(pathname + search)).status).toBe(403);
    const late = new URL((await send('/page/', {}, { to: gatewayPort })).headers.location ?? '');
    await world.clock.runFor(60_000);
    expect((await send(late.pathname + late.search)).status).toBe(403);
  });

  test('a program that carries a key gets the address', async () => {
    const { secret } = await keyOf('ada', 'invoke');
    const { status, body } = await send('/page/', { 'x-api-key': secret }, { method: 'POST', to: gatewayPort });
    expect([status, JSON.parse(body)]).toEqual([201, { url: expect.stringContaining(`:${port}/comfleet/enter?ticket=`) }]);
    expect((await send('/page/', { 'x-api-key': 'cfk_wrong' }, { to: gatewayPort })).status).toBe(401);
  });

  test('a session ends after its time, and with its key', async () => {
    const { key, secret } = await keyOf('ada', 'invoke');
    const [ada, local] = [await open({ 'x-api-key': secret }), await open()];
    expect([(await send('/', ada)).status, (await send('/', local)).status]).toEqual([200, 200]);
    await world.context.keys.revoke(key.id);
    expect([(await send('/', ada)).status, (await send('/', local)).status]).toEqual([401, 200]);
    await world.clock.runFor(sessionMs);
    expect((await send('/', local)).status).toBe(401);
  });
});

test('a page of a folder alone, and of a container alone', async () => {
  const serve = async (from: Pick<Parameters<typeof createPageServer>[0], 'folder' | 'container'>, path: string) => {
    const other = await createPageServer({ config: world.context.config, sessions, gateway: world.app, ...from });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const answer = await send(path, await open(), { to: (other.address() as AddressInfo).port });
    other.close();
    other.closeAllConnections();
    return [answer.status, answer.body];
  };
  const ofFolder = { folder: join(folder, 'files'), container: null };
  expect(await serve(ofFolder, '/templates/index.json')).toEqual([200, '[]']);
  expect(await serve(ofFolder, '/extensions/pack/a.js')).toEqual([404, 'The page has no such file']);
  answerOfContainer = { status: 200, mime: 'text/html', etag: null, body: Buffer.from('its page') };
  expect(await serve({ folder: null, container }, '/')).toEqual([200, 'its page']);
  expect(asked).toEqual(['/']);
});

describe('who has the page open', () => {
  test('sees its files, and no others', async () => {
    const cookie = await open();
    expect((await send('/', cookie)).body).toBe('<title>ComfyUI</title>');
    expect((await send('/a.js', cookie)).headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    for (const path of ['/../secret', '/%2e%2e/secret', '/..%2fsecret', '/nothing', '/a.js%00']) {
      const answer = await send(path, cookie);
      expect([path, answer.status === 200, answer.body.includes('secret"')]).toEqual([path, false, false]);
    }
  });

  test('gets from a container what the folder lacks, of files alone', async () => {
    const cookie = await open();
    answerOfContainer = null;
    expect((await send('/extensions/pack/a.js', cookie)).status).toBe(503);
    answerOfContainer = { status: 200, mime: 'text/javascript', etag: '"x"', body: Buffer.from('pack()') };
    const script = await send('/extensions/pack/a.js?x=1', cookie);
    expect([script.status, script.body, script.headers.etag, script.headers['content-type']]).toEqual([
      200,
      'pack()',
      '"x"',
      'text/javascript',
    ]);
    answerOfContainer = { ...answerOfContainer, status: 304, mime: 'application/octet-stream', body: Buffer.alloc(0) };
    const same = await send('/extensions/pack/a.js', { ...cookie, 'if-none-match': '"x"' });
    expect([same.status, same.headers['content-type']]).toEqual([304, undefined]);
    expect((await send('/a.js', cookie)).body).toBe('alert(1)');
    expect(asked).toEqual(Array.from({ length: 3 }, () => '/extensions/pack/a.js'));
    const routes = [
      '/manager/reboot',
      '/view',
      '/history',
      '/internal/logs',
      '/queue',
      '/extensions/../history',
      '/extensions/%2e%2e/x',
      '/assets',
    ];
    for (const path of routes) expect([path, [403, 404].includes((await send(path, cookie)).status ?? 0)]).toEqual([path, true]);
    expect((await send('/extensions/pack/a.js', cookie, { method: 'POST' })).status).toBe(404);
    expect((await send('/extensions/pack/a.js')).status).toBe(401);
    expect(asked).toHaveLength(3);
  });

  test('reaches the native dialect as the caller who opened it, and never as an admin', async () => {
    const { key, secret } = await keyOf('root', 'admin');
    const cookie = await open({ 'x-api-key': secret });
    await send('/api/settings/a', cookie, { method: 'POST', body: '1' });
    expect((await send('/api/settings', { 'x-api-key': secret }, { to: gatewayPort })).body).toBe('{"a":1}');
    expect((await send('/api/settings', {}, { to: gatewayPort })).body).toBe('{}');
    expect(sessions.principalOf(cookie['cookie']?.split('=')[1] ?? '')).toEqual({ key: key.id, role: 'invoke' });
    // What a request says beside the cookie counts for nothing.
    const stranger = await open();
    expect((await send('/api/settings', { ...stranger, 'x-api-key': secret, authorization: `Bearer ${secret}` })).body).toBe('{}');
  });

  test('reaches nothing else of the gateway', async () => {
    const cookie = await open();
    const paths = [
      '/fleet/v1/keys',
      '/fleet/v1/jobs',
      '/metrics',
      '/page/',
      '/d/collage/',
      '/queue',
      '/api/../fleet/v1/keys',
      '/api/..%2ffleet/v1/keys',
    ];
    for (const path of paths) {
      const { status, body } = await send(path, cookie);
      expect([path, status === 403 || status === 404, body.includes('items')]).toEqual([path, true, false]);
    }
    expect((await send('/', cookie, { method: 'POST', body: '{"prompt": "x"}' })).status).toBe(404);
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });

  test('other sites do not, whatever cookie comes with them', async () => {
    const cookie = await open();
    const own = `http://127.0.0.1:${port}`;
    for (const path of ['/', '/api/queue']) {
      expect((await send(path, { ...cookie, origin: own, host: `127.0.0.1:${port}` })).status).toBe(200);
      for (const headers of [
        { origin: 'http://evil.example' },
        { host: 'evil.example' },
        { origin: `http://127.0.0.1:${gatewayPort}` },
      ] as Headers[]) {
        expect([path, headers, (await send(path, { ...cookie, ...headers })).status]).toEqual([path, headers, 403]);
      }
    }
  });

  test('hears its socket; nobody else does', async () => {
    const cookie = await open();
    const connect = (path: string, headers: Headers) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
        socket.on('message', (data: Buffer) => (resolve(data.toString()), socket.terminate()));
        socket.on('error', (error) => resolve(error.message));
      });
    expect(await connect('/ws?clientId=ada', cookie)).toContain('"sid":"ada"');
    expect(await connect('/api/ws', cookie)).toContain('"type":"status"');
    const { secret } = await keyOf('ada', 'invoke');
    for (const [path, headers] of [
      ['/ws', {}],
      [`/ws?token=${secret}`, {}],
      ['/ws', { cookie: `comfleet_page=${'0'.repeat(64)}` }],
      ['/ws', { ...cookie, origin: 'http://evil.example' }],
      ['/other', cookie],
    ] as [string, Headers][]) {
      expect(await connect(path, headers)).toContain('401');
    }
  });

  test('its socket is closed when the key is revoked by which it was opened', async () => {
    const { key, secret } = await keyOf('ada', 'invoke');
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?clientId=ada`, { headers: await open({ 'x-api-key': secret }) });
    await once(socket, 'message');
    const closed = once(socket, 'close');
    await world.context.keys.revoke(key.id);
    expect((await closed)[0]).toBe(1008);
  });
});

test('without the files of a page there is no link', async () => {
  const other = await createApiWorld();
  expect((await other.app.inject('/page/')).json()).toMatchObject({ code: 'not_found', detail: expect.stringContaining('page.folder') });
  await other.app.close();
});
