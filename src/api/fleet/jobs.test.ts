import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outputOf } from '../../../test/contract/store-samples.ts';
import { namingMs } from '../../assets/assets.ts';
import { configOf, createApiWorld, png, type ApiWorld } from '../../../test/support/api.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld();
});
afterEach(() => world.app.close());

const get = (url: string, headers: Record<string, string> = {}) => world.app.inject({ url, headers });
const submit = (payload: object = { inputs: { prompt: 'x' } }, headers: Record<string, string> = {}) =>
  world.app.inject({ method: 'POST', url: '/fleet/v1/jobs', payload, headers });
const submitted = async (): Promise<string> => (await submit()).json().id;

describe('POST /fleet/v1/jobs', () => {
  test('accepts inputs for a deployment', async () => {
    const deadline = world.clock.now() + 60_000;
    const response = await submit({
      deployment: 'collage@staging',
      inputs: { prompt: 'x' },
      priority: 7,
      deadline: 60,
      webhook: 'https://example.com/hook',
    });
    expect(response.statusCode).toBe(202);
    const body = response.json();
    expect(response.headers['location']).toBe(`/fleet/v1/jobs/${body.id}`);
    expect(body).toMatchObject({
      deployment: 'collage',
      environment: 'staging',
      state: 'queued',
      source: 'fleet',
      priority: 7,
      attempts: 0,
      deadline_at: new Date(deadline).toISOString(),
      webhook: 'https://example.com/hook',
      inputs: { prompt: 'x', seed: 42 },
      outputs: [],
      started_at: null,
      finished_at: null,
    });
  });

  test('the default deployment, without anything', async () => {
    expect((await submit({})).json()).toMatchObject({ deployment: 'collage', environment: 'production', priority: 0 });
  });

  test('Idempotency-Key works here too', async () => {
    const headers = { 'idempotency-key': 'k' };
    const first = await submit({ inputs: { prompt: 'x' } }, headers);
    const second = await submit({ inputs: { prompt: 'x' } }, headers);
    expect(second.json().id).toBe(first.json().id);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect((await submit({ inputs: { prompt: 'y' } }, headers)).statusCode).toBe(422);
  });

  test.each([
    ['an unknown field', { nonsense: 1 }, 400, 'invalid_parameter'],
    ['a graph under another name', { workflow: {} }, 400, 'invalid_parameter'],
    ['a wrong type', { inputs: 5 }, 400, 'invalid_parameter'],
    ['a priority out of range', { priority: 101 }, 400, 'invalid_parameter'],
    ['a deadline in the past', { deadline: '2001-01-01T00:00:00Z' }, 400, 'invalid_parameter'],
    ['a private webhook', { webhook: 'http://192.168.0.1/' }, 422, 'url_refused'],
    ['inputs and a graph', { inputs: {}, graph: {} }, 400, 'invalid_parameter'],
    ['an unknown deployment', { deployment: 'nonsense' }, 404, 'unknown_deployment'],
    ['an unknown input', { inputs: { nonsense: 1 } }, 422, 'invalid_input'],
  ])('%s is refused', async (_what, body, status, code) => {
    expect((await submit(body)).json()).toMatchObject({ status, code });
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });
});

test('what is wrong with a webhook is said of it', async () => {
  expect((await submit({ webhook: 'nonsense' })).json().detail).toBe('webhook: "nonsense" is not a URL');
  expect((await submit({}, { 'x-comfleet-webhook': 'ftp://x' })).statusCode).toBe(202);
  const response = await world.app.inject({ method: 'POST', url: '/', payload: {}, headers: { 'x-comfleet-webhook': 'ftp://x' } });
  expect(response.json().detail).toMatch(/^X-Comfleet-Webhook: ftp:.*only http and https/);
});

describe("a graph of the client's own", () => {
  const graph = { 9: { class_type: 'EmptyImage', inputs: { width: 64 } } };

  test('runs while open_graphs is on: on loopback without keys', async () => {
    const { id } = (await submit({ graph })).json();
    expect(await world.context.jobs.get(id)).toMatchObject({ graph, inputs: null, deployment: 'collage' });
  });

  test('not with keys, unless the configuration says so', async () => {
    await world.context.keys.create('one', 'admin');
    expect((await submit({ graph })).json()).toMatchObject({ status: 403, code: 'open_graphs_off' });
    await world.app.close();
    world = await createApiWorld({ config: { openGraphs: true } });
    await world.context.keys.create('one', 'admin');
    expect((await submit({ graph })).statusCode).toBe(202);
  });

  test('not when the configuration forbids it, or others can reach the server', async () => {
    const { network } = configOf();
    for (const config of [{ openGraphs: false }, { network: { ...network, host: '0.0.0.0' } }]) {
      await world.app.close();
      world = await createApiWorld({ config });
      const { secret } = await world.context.keys.create('one', 'admin');
      expect((await submit({ graph }, { 'x-api-key': secret })).json()).toMatchObject({ code: 'open_graphs_off' });
    }
  });

  test.each([
    ['no node', {}, 'invalid_graph'],
    ['a cycle', { 1: { class_type: 'A', inputs: { a: ['1', 0] } } }, 'invalid_graph'],
    ['UI format', { nodes: [], links: [] }, 'ui_workflow'],
  ])('%s is refused', async (_what, graph, code) => {
    expect((await submit({ graph })).json()).toMatchObject({ status: 422, code });
  });
});

describe('reading jobs', () => {
  test('a job', async () => {
    const id = await submitted();
    expect((await get(`/fleet/v1/jobs/${id}`)).json()).toMatchObject({ id, state: 'queued', waiting_for: 'a container that starts' });
    await world.finish(id);
    const response = await get(`/fleet/v1/jobs/${id}`);
    expect(response.headers).toMatchObject({ 'x-comfleet-job-id': id, 'server-timing': expect.stringContaining('queue;dur=1000') });
    expect(response.json()).toMatchObject({
      state: 'succeeded',
      attempts: 1,
      container: 'container-1',
      waiting_for: null,
      timing: { queue_ms: 1000, cold_ms: 0, run_ms: 3900, store_ms: 100 },
      outputs: [{ index: 0, url: `/fleet/v1/jobs/${id}/outputs/0`, bytes: png.length }],
    });
    expect((await get('/fleet/v1/jobs/nonsense')).json()).toMatchObject({ status: 404, code: 'unknown_job' });
  });

  test('a list, by pages and filters', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.unshift(await submitted());
    await world.finish(ids[0]!);
    const first = (await get('/fleet/v1/jobs?limit=2')).json();
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const second = (await get(`/fleet/v1/jobs?limit=3&cursor=${encodeURIComponent(first.next)}`)).json();
    expect(second.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2));
    expect((await get('/fleet/v1/jobs?state=succeeded')).json().items).toHaveLength(1);
    expect((await get('/fleet/v1/jobs?deployment=portrait')).json()).toEqual({ items: [], next: null });
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'state=nonsense']) {
      expect((await get(`/fleet/v1/jobs?${query}`)).json()).toMatchObject({ status: 400, code: 'invalid_parameter' });
    }
  });

  test('its attempts', async () => {
    const id = await submitted();
    await world.finish(id);
    expect((await get(`/fleet/v1/jobs/${id}/attempts`)).json()).toMatchObject({
      items: [{ number: 1, container: 'container-1', outcome: 'succeeded', cold_ms: 0 }],
      next: null,
    });
  });
});

describe('cancelling', () => {
  test.each([
    ['POST', '/cancel'],
    ['DELETE', ''],
  ] as const)('%s: a queued job is canceled, a running one is asked to end', async (method, path) => {
    const queued = await submitted();
    expect((await world.app.inject({ method, url: `/fleet/v1/jobs/${queued}${path}` })).json()).toMatchObject({ state: 'canceled' });
    const running = await submitted();
    await world.start(running);
    expect((await world.app.inject({ method, url: `/fleet/v1/jobs/${running}${path}` })).json()).toMatchObject({
      state: 'running',
      cancel_requested: true,
    });
    await world.finish(running);
    const late = await world.app.inject({ method, url: `/fleet/v1/jobs/${running}${path}` });
    expect(late.json()).toMatchObject({ status: 409, code: 'job_finished' });
    expect((await world.app.inject({ method, url: `/fleet/v1/jobs/nonsense${path}` })).statusCode).toBe(404);
  });
});

describe('outputs', () => {
  const finished = async (change: Parameters<ApiWorld['finish']>[1] = {}): Promise<string> => {
    const id = await submitted();
    await world.finish(id, change);
    return `/fleet/v1/jobs/${id}/outputs`;
  };

  test('bytes with an ETag, and 304 when they are known', async () => {
    const url = await finished();
    const response = await get(`${url}/0`);
    expect(response.rawPayload).toEqual(png);
    const etag = String(response.headers['etag']);
    expect(etag).toMatch(/^"blake3:[0-9a-f]{64}"$/);
    expect(response.headers).toMatchObject({ 'accept-ranges': 'bytes', 'cache-control': expect.stringContaining('immutable') });
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      expect(await get(`${url}/0`, { 'if-none-match': header })).toMatchObject({ statusCode: 304, body: '' });
    }
    expect((await get(`${url}/0`, { 'if-none-match': '"x"' })).statusCode).toBe(200);
  });

  test('HEAD says the size', async () => {
    const url = await finished();
    expect(await world.app.inject({ method: 'HEAD', url: `${url}/0` })).toMatchObject({
      statusCode: 200,
      body: '',
      headers: { 'content-length': String(png.length), 'content-type': 'image/png' },
    });
  });

  test.each([
    ['bytes=0-3', 206, 0, 4],
    ['bytes=4-', 206, 4, undefined],
    ['bytes=-5', 206, -5, undefined],
    ['bytes=0-999', 206, 0, undefined],
    ['bytes=-999', 206, 0, undefined],
    ['bytes=5-2', 200, 0, undefined],
    ['bytes=0-1,3-4', 200, 0, undefined],
    ['items=0-1', 200, 0, undefined],
  ])('%s is %i', async (range, status, from, to) => {
    const response = await get(`${await finished()}/0`, { range });
    const part = png.subarray(from, to);
    expect(response.statusCode).toBe(status);
    expect(response.rawPayload).toEqual(part);
    const start = png.length - png.subarray(from).length;
    const expected = `bytes ${start}-${start + part.length - 1}/${png.length}`;
    expect(response.headers['content-range']).toBe(status === 206 ? expected : undefined);
  });

  test('a range beyond the end is 416; one of another version is the whole', async () => {
    const url = await finished();
    const beyond = await get(`${url}/0`, { range: `bytes=${png.length}-` });
    expect(beyond).toMatchObject({ statusCode: 416, headers: { 'content-range': `bytes */${png.length}` } });
    expect(beyond.json()).toMatchObject({ code: 'range_not_satisfiable' });
    const etag = String((await get(`${url}/0`)).headers['etag']);
    expect((await get(`${url}/0`, { range: 'bytes=0-1', 'if-range': etag })).statusCode).toBe(206);
    expect((await get(`${url}/0`, { range: 'bytes=0-1', 'if-range': '"other"' })).statusCode).toBe(200);
  });

  test('text has ranges too', async () => {
    const output = outputOf(null, { kind: 'text', mime: 'text/plain', text: 'hello', bytes: 5 });
    const url = await finished({ outputs: [output] });
    expect((await get(`${url}/0`, { range: 'bytes=1-2' })).body).toBe('el');
  });

  test('what is not there', async () => {
    const url = await finished();
    expect((await get(`${url}/1`)).json()).toMatchObject({ status: 404, code: 'unknown_output' });
    expect((await get(`${url}/x`)).json()).toMatchObject({ status: 400, code: 'invalid_parameter' });
    await world.clock.runFor(namingMs);
    await world.context.assets.remove([String((await get(`${url}/0`)).headers['etag']).slice(1, -1)]);
    expect((await get(`${url}/0`)).json()).toMatchObject({ status: 410, code: 'output_expired' });
    const swept = await finished({ outputs: [outputOf(null)] });
    expect((await get(`${swept}/0`)).json()).toMatchObject({ status: 410, code: 'output_expired' });
    const id = await submitted();
    expect((await get(`/fleet/v1/jobs/${id}/outputs/0`)).json()).toMatchObject({ status: 409, code: 'job_not_finished' });
  });
});

test('a webhook is called again on demand', async () => {
  const replayed: string[] = [];
  const delivery = {
    id: 'd1',
    job: 'j',
    url: 'https://example.com/',
    event: 'job.succeeded',
    state: 'pending' as const,
    tries: 0,
    nextAt: world.clock.now(),
    lastStatus: null,
    lastError: null,
    createdAt: 0,
  };
  await world.app.close();
  world = await createApiWorld({
    change: () => ({ webhooks: { replay: async (job) => (replayed.push(job), [delivery]), secret: async () => 'whsec_x' } }),
  });
  const id = await submitted();
  const response = await world.app.inject({ method: 'POST', url: `/fleet/v1/jobs/${id}/webhook/replay` });
  expect(response.json()).toMatchObject({ items: [{ id: 'd1', state: 'pending', next_at: new Date(world.clock.now()).toISOString() }] });
  expect(replayed).toEqual([id]);
  expect((await get(`/fleet/v1/jobs/${id}/webhook`)).json()).toEqual({ items: [], next: null });
  expect((await get('/fleet/v1/webhook-secret')).json()).toEqual({ secret: 'whsec_x' });
});
