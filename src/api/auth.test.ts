import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configOf, createApiWorld, type ApiWorld, type WorldOptions } from '../../test/support/api.ts';
import { assertSafeBind } from './auth.ts';

let world: ApiWorld;
const network = (host: string) => ({ host, port: 8288, hosts: ['gpu-box.lan'], allowPrivate: [] });
const create = async (options: WorldOptions = {}): Promise<void> => void (world = await createApiWorld(options));
afterEach(() => world.app.close());

const get = (url: string, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
  world.app.inject({ url, headers, remoteAddress });
const status = async (...given: Parameters<typeof get>) => (await get(...given)).statusCode;

describe('who needs a key', () => {
  test('nobody on loopback, also when there are keys', async () => {
    await create();
    expect(await status('/fleet/v1/keys')).toBe(200);
    await world.context.keys.create('one', 'admin');
    expect(await status('/fleet/v1/keys')).toBe(200);
    expect(await status('/fleet/v1/keys', {}, '::1')).toBe(200);
    expect(await status('/fleet/v1/keys', {}, '::ffff:127.0.0.1')).toBe(200);
  });

  test('whoever comes through a proxy on this machine', async () => {
    await create({ config: { network: network('127.0.0.1') } });
    expect(await status('/fleet/v1/jobs', { host: 'gpu-box.lan' })).toBe(401);
  });

  test.each([
    'Forwarded',
    'Via',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Forwarded',
    'X-Original-Forwarded-For',
    'X-Original-Host',
    'X-Real-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'X-Remote-Addr',
    'X-Envoy-External-Address',
    'X-ProxyUser-IP',
    'X-Amzn-Trace-Id',
    'X-Azure-ClientIP',
    'CF-Connecting-IP',
    'CF-Ray',
    'CDN-Loop',
    'True-Client-IP',
    'Fastly-Client-IP',
    'Tailscale-User-Login',
  ])('whoever’s request was handed on by something that says %s', async (header) => {
    await create({ config: { network: network('127.0.0.1') } });
    for (const value of ['203.0.113.1', '']) expect(await status('/fleet/v1/jobs', { [header]: value })).toBe(401);
  });

  test('nobody for headers that callers on this machine send themselves', async () => {
    await create();
    const own = { 'x-request-id': 'r', 'x-requested-with': 'fetch', 'cache-control': 'no-cache', connection: 'close', traceparent: 't' };
    expect(await status('/fleet/v1/jobs', own)).toBe(200);
  });

  test('everybody where others can reach the server', async () => {
    await create({ config: { network: network('0.0.0.0') } });
    const response = await get('/fleet/v1/jobs', { host: '127.0.0.1' });
    expect(response).toMatchObject({ statusCode: 401, headers: { 'www-authenticate': 'Bearer realm="comfleet"' } });
    expect(response.json()).toMatchObject({ code: 'unauthorized' });
    expect((await world.app.inject({ method: 'POST', url: '/', payload: { prompt: 'x' } })).statusCode).toBe(401);
    for (const open of ['/livez', '/readyz', '/dashboard/']) expect(await status(open)).not.toBe(401);
    expect(await status('/nothing')).toBe(404);
  });
});

describe('keys', () => {
  beforeEach(() => create({ config: { network: network('0.0.0.0') } }));
  const make = async (role: 'admin' | 'invoke') => (await world.context.keys.create(role, role)).secret;

  test('as Bearer or X-API-Key', async () => {
    const secret = await make('admin');
    expect(await status('/fleet/v1/jobs', { authorization: `Bearer ${secret}` })).toBe(200);
    expect(await status('/fleet/v1/jobs', { authorization: `bearer ${secret}` })).toBe(200);
    expect(await status('/fleet/v1/jobs', { 'x-api-key': secret })).toBe(200);
  });

  test('wrong ones are refused', async () => {
    const secret = await make('admin');
    for (const authorization of [`Bearer ${secret}x`, 'Bearer cfk_', `Basic ${secret}`, 'Bearer', secret]) {
      expect(await status('/fleet/v1/jobs', { authorization })).toBe(401);
    }
    expect(await status('/fleet/v1/jobs', { 'x-api-key': '' })).toBe(401);
  });

  test('in the query for streams only', async () => {
    const secret = await make('admin');
    expect(await status(`/fleet/v1/jobs/x/events?token=${secret}`)).toBe(404);
    expect(await status(`/fleet/v1/jobs?token=${secret}`)).toBe(401);
    expect(await status(`/fleet/v1/jobs/x/events?token=nonsense`)).toBe(401);
  });

  test('a revoked key is good for nothing at once', async () => {
    const { key, secret } = await world.context.keys.create('one', 'admin');
    const headers = { 'x-api-key': secret };
    expect(await status('/fleet/v1/jobs', headers)).toBe(200);
    await world.context.keys.revoke(key.id);
    expect(await status('/fleet/v1/jobs', headers)).toBe(401);
  });

  test('a wrong key is refused on loopback too', async () => {
    await world.app.close();
    await create();
    expect(await status('/fleet/v1/jobs', { 'x-api-key': 'cfk_nonsense' })).toBe(401);
  });

  test('invoke submits jobs and reads deployments, and no more', async () => {
    const headers = { 'x-api-key': await make('invoke') };
    for (const url of [
      '/',
      '/fleet/v1/deployments',
      '/fleet/v1/deployments/collage',
      '/fleet/v1/jobs',
      '/fleet/v1/health',
      '/fleet/v1/openapi.json',
    ]) {
      expect([url, await status(url, headers)]).toEqual([url, 200]);
    }
    for (const url of [
      '/fleet/v1/keys',
      '/fleet/v1/containers',
      '/fleet/v1/decisions',
      '/fleet/v1/usage',
      '/fleet/v1/events',
      '/fleet/v1/overview',
      '/fleet/v1/webhook-secret',
    ]) {
      const response = await get(url, headers);
      expect([url, response.statusCode]).toEqual([url, 403]);
      expect(response.json()).toMatchObject({ code: 'forbidden', detail: expect.stringContaining('role admin') });
    }
    const patch = await world.app.inject({
      method: 'PATCH',
      url: '/fleet/v1/deployments/collage/scaling',
      headers,
      payload: { min_containers: 1 },
    });
    expect(patch.statusCode).toBe(403);
    const deploy = await world.app.inject({ method: 'POST', url: '/fleet/v1/deployments', headers, payload: { name: 'x', graph: {} } });
    expect(deploy.statusCode).toBe(403);
  });

  test('invoke sees only its own jobs; an admin sees all', async () => {
    const [mine, other, admin] = [await make('invoke'), await make('invoke'), await make('admin')];
    const submit = (secret: string) =>
      world.app.inject({ method: 'POST', url: '/', headers: { 'x-api-key': secret, prefer: 'respond-async' }, payload: { prompt: 'x' } });
    const { id } = (await submit(mine)).json();
    await submit(other);
    const list = async (secret: string) => (await get('/fleet/v1/jobs', { 'x-api-key': secret })).json().items.length;
    expect([await list(mine), await list(other), await list(admin)]).toEqual([1, 1, 2]);
    for (const path of ['', '/events', '/result', '/outputs/0', '/attempts', '/webhook']) {
      const response = await get(`/fleet/v1/jobs/${id}${path}`, { 'x-api-key': other });
      expect([path, response.statusCode, response.json().code]).toEqual([path, 404, 'unknown_job']);
    }
    const cancel = (secret: string) =>
      world.app.inject({ method: 'DELETE', url: `/fleet/v1/jobs/${id}`, headers: { 'x-api-key': secret } });
    expect((await cancel(other)).statusCode).toBe(404);
    expect((await world.context.jobs.get(id)).state).toBe('queued');
    expect((await cancel(mine)).json()).toMatchObject({ state: 'canceled' });
    // Another key's filter is not a way around it.
    const asOther = await get(`/fleet/v1/jobs?key=${(await world.context.jobs.get(id)).key}`, { 'x-api-key': other });
    expect(asOther.json().items[0].id).not.toBe(id);
  });
});

describe('the address to listen on', () => {
  beforeEach(() => create());
  const bind = (host: string, any: boolean) => () => assertSafeBind(configOf({ network: network(host) }), { any: () => any });

  test.each(['127.0.0.1', 'localhost', '::1'])('%s is safe without a key', (host) => expect(bind(host, false)).not.toThrow());
  test.each(['0.0.0.0', '::', '192.168.1.5', 'gpu-box.lan', ''])('%s needs one', (host) => {
    expect(bind(host, false)).toThrow(expect.objectContaining({ code: 'unsafe_bind' }));
    expect(bind(host, true)).not.toThrow();
  });
});
