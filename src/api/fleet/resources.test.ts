import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { aContainer, createApiWorld, png, type ApiWorld } from '../../../test/support/api.ts';
import { containerOf, t0 } from '../../../test/contract/store-samples.ts';
import * as schemas from '../schemas.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld();
});
afterEach(() => world.app.close());

const get = async (url: string) => (await world.app.inject(url)).json();
/** The items of all pages, one page after the other. */
async function pagesOf(url: string): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor = ''; ;) {
    const page = await get(`${url}${cursor}`);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

const send = (method: 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) =>
  world.app.inject({ method, url, ...(payload ? { payload } : {}) });

describe('deployments', () => {
  test('a list and each', async () => {
    const { items, next } = await get('/fleet/v1/deployments');
    expect(next).toBeNull();
    expect(items.map(({ name, environment }: Record<string, string>) => `${name}@${environment}`)).toEqual([
      'collage@production',
      'portrait@production',
      'collage@staging',
    ]);
    expect(await get('/fleet/v1/deployments/collage')).toMatchObject({
      name: 'collage',
      default: true,
      url: '/d/collage/',
      revision: 'collage-production-1',
      execution_timeout: '10m',
      scaling: { min_containers: 0, max_containers: null, scaledown_window: '60s', slo: { p: 0.95, latency: '6s', window: '5m' } },
      queue: { queued: 3, running: 1, desired_containers: 4, target_containers: 2, held_by: 'max_containers' },
      inputs: {
        type: 'object',
        required: ['prompt'],
        additionalProperties: false,
        properties: {
          prompt: { type: 'string', description: 'What to draw.' },
          steps: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
          hd: { type: 'boolean' },
          style: { enum: ['plain', 'oil', 3] },
          background: { type: 'string', contentMediaType: 'image/*' },
          seed: { type: 'integer', description: 'Drawn at random when left out.' },
        },
      },
      outputs: [{ node: '1', name: 'picture' }],
      problems: [],
    });
    expect(await get('/fleet/v1/deployments/collage@staging')).toMatchObject({ environment: 'staging', queue: { queued: 0 } });
    expect(await get('/fleet/v1/deployments/nonsense')).toMatchObject({ status: 404, code: 'unknown_deployment' });
  });

  test('in pages', async () => {
    const pages = await pagesOf('/fleet/v1/deployments?limit=2');
    expect(pages.map(({ name, environment }) => `${String(name)}@${String(environment)}`)).toEqual([
      'collage@production',
      'portrait@production',
      'collage@staging',
    ]);
    expect((await get('/fleet/v1/deployments?limit=3')).next).toBeNull();
  });

  test('scaling is changed live, under all its names', async () => {
    const url = '/fleet/v1/deployments/collage/scaling';
    const changed = await send('PATCH', url, { max_containers: 3, scaledown_window: '2m' });
    expect(changed.json().scaling).toMatchObject({ max_containers: 3, scaledown_window: '2m', min_containers: 0 });
    await send('PATCH', url, { keep_warm: 2 });
    expect(await get(url)).toMatchObject({ min_containers: 2, max_containers: 3 });
    expect((await get('/fleet/v1/deployments/collage@staging/scaling')).min_containers).toBe(0);
  });

  test.each([
    [{ nonsense: 1 }, 'nonsense'],
    [{ min_containers: -1 }, 'min_containers'],
    [{ scaledown_window: 'soon' }, 'scaledown_window'],
    [{ min_containers: 5, max_containers: 2 }, 'min_containers'],
  ])('%o is refused by name and changes nothing', async (change, name) => {
    const response = await send('PATCH', '/fleet/v1/deployments/collage/scaling', change);
    expect(response.json()).toMatchObject({ status: 400, code: 'invalid_parameter', detail: expect.stringContaining(name) });
    expect((await get('/fleet/v1/deployments/collage')).scaling.min_containers).toBe(0);
  });

  test('a graph becomes a deployment', async () => {
    const graph = { 1: { class_type: 'EmptyImage', inputs: { width: 64 } } };
    const response = await send('POST', '/fleet/v1/deployments', { name: 'new-one', graph, scaling: { max_containers: 2 } });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ name: 'new-one', environment: 'production', scaling: { max_containers: 2 } });
    for (const [body, code] of [
      [{ name: 'Bad Name', graph }, 'invalid_parameter'],
      [{ name: '../x', graph }, 'invalid_parameter'],
      [{ name: 'x', graph: {} }, 'invalid_graph'],
      [{ name: 'x', graph: { nodes: [], links: [] } }, 'ui_workflow'],
      [{ name: 'x', graph, scaling: { nonsense: 1 } }, 'invalid_parameter'],
      [{ name: 'x', graph, nonsense: 1 }, 'invalid_parameter'],
    ] as const) {
      expect((await send('POST', '/fleet/v1/deployments', body)).json().code).toBe(code);
    }
    expect(world.deployments.items).toHaveLength(4);
  });
});

describe('containers', () => {
  test('living ones, and with alive=false those that ended', async () => {
    await world.context.store.saveContainer(
      containerOf('old', {
        state: 'stopped',
        startedAt: t0 - 100_000,
        stoppedAt: t0 - 40_000,
        usdPerHour: 3.6,
        readyAt: t0 - 90_000,
        busySeconds: 20,
      }),
    );
    world.containers.push(aContainer({ phases: [{ phase: 'imports', from: t0, to: null, detail: { pack: 1.5 } }] }));
    const living = await get('/fleet/v1/containers');
    expect(living.items).toMatchObject([
      {
        id: 'container-1',
        state: 'ready',
        gpu: 'A10G',
        jobs_done: 0,
        ready_at: new Date(t0 + 10_000).toISOString(),
        phases: [{ phase: 'imports', to: null, detail: { pack: 1.5 } }],
        usd: null,
        formula: 'no price set',
      },
    ]);
    expect(JSON.stringify(living)).not.toContain('127.0.0.1:8400');
    const all = await get('/fleet/v1/containers?alive=false');
    expect(all.items.map(({ id }: { id: string }) => id)).toEqual(['container-1', 'old']);
    expect(all.items[1]).toMatchObject({
      seconds: { starting: 10, busy: 20, idle: 30 },
      usd: (60 * 3.6) / 3600,
      formula: 'seconds x share x usd_per_hour / 3600',
    });
    expect((await get('/fleet/v1/containers?alive=false&limit=1')).items).toHaveLength(1);
    expect((await get('/fleet/v1/containers?deployment=portrait')).items).toEqual([]);
    expect(await get('/fleet/v1/containers/old')).toMatchObject({ id: 'old', state: 'stopped' });
    expect(await get('/fleet/v1/containers/nonsense')).toMatchObject({ status: 404, code: 'unknown_container' });
    expect(await get('/fleet/v1/containers?alive=perhaps')).toMatchObject({ status: 400 });
  });

  test('in pages: living ones and those that ended, also of one moment', async () => {
    for (let n = 0; n < 5; n++) {
      await world.context.store.saveContainer(containerOf(`old-${n}`, { state: 'stopped', stoppedAt: t0, startedAt: t0 - 1_000 }));
    }
    // The store lags behind what lives: `new-1` is not there yet, `new-0` still as it was before.
    await world.context.store.saveContainer(containerOf('new-0', { state: 'starting' }));
    world.containers.push(aContainer({ id: 'new-0' }), aContainer({ id: 'new-1', startedAt: t0 + 0.5 }));
    const all = await pagesOf('/fleet/v1/containers?alive=false&limit=2');
    expect(all.map(({ id }) => id)).toEqual(['new-1', 'new-0', 'old-4', 'old-3', 'old-2', 'old-1', 'old-0']);
    expect(all[1]).toMatchObject({ state: 'ready' });
    expect((await pagesOf('/fleet/v1/containers?limit=1')).map(({ id }) => id)).toEqual(['new-1', 'new-0']);
    expect(await pagesOf('/fleet/v1/containers?alive=false&limit=3&deployment=portrait')).toEqual([]);
  });

  test('stopping one', async () => {
    world.containers.push(aContainer());
    expect((await send('POST', '/fleet/v1/containers/container-1/stop')).statusCode).toBe(202);
    await send('POST', '/fleet/v1/containers/container-1/stop', { force: true, reason: 'it is hot' });
    await send('DELETE', '/fleet/v1/containers/container-1?force=true');
    expect(world.stopped).toEqual([
      { id: 'container-1', force: false, reason: 'asked for by the API' },
      { id: 'container-1', force: true, reason: 'it is hot' },
      { id: 'container-1', force: true, reason: 'asked for by the API' },
    ]);
    expect((await send('DELETE', '/fleet/v1/containers/nonsense')).json()).toMatchObject({ status: 404, code: 'unknown_container' });
    expect((await send('POST', '/fleet/v1/containers/container-1/stop', { nonsense: 1 })).statusCode).toBe(400);
  });
});

test('decisions, by pages', async () => {
  for (const seq of [1, 2, 3]) {
    await world.context.store.recordDecision({
      seq,
      at: t0,
      deployment: 'collage',
      environment: 'production',
      kind: 'scale',
      reason: `r${seq}`,
      data: { summary: { idleForMs: [seq] }, limited: { heldBy: null }, settings: { slo: { latencyMs: 6_000 } } },
      hash: 'h',
    });
  }
  const first = await get('/fleet/v1/decisions?limit=2');
  expect(first).toMatchObject({
    items: [{ seq: 3, at: new Date(t0).toISOString(), reason: 'r3', environment: 'production' }, { seq: 2 }],
    next: '2',
  });
  expect((await get('/fleet/v1/decisions?limit=3')).next).toBeNull();
  expect(first.items[0].data).toEqual({
    summary: { idle_for_ms: [3] },
    limited: { held_by: null },
    settings: { slo: { latency_ms: 6_000 } },
  });
  expect(await get(`/fleet/v1/decisions?limit=2&cursor=${first.next}`)).toMatchObject({ items: [{ seq: 1 }], next: null });
  expect((await get('/fleet/v1/decisions?deployment=portrait')).items).toEqual([]);
  expect(await get('/fleet/v1/decisions?cursor=x')).toMatchObject({ status: 400, code: 'invalid_parameter' });
});

test('usage between two moments', async () => {
  await world.context.store.saveContainer(
    containerOf('one', {
      state: 'stopped',
      startedAt: t0 - 3_600_000,
      readyAt: t0 - 3_600_000,
      stoppedAt: t0,
      busySeconds: 3_600,
      usdPerHour: 2,
    }),
  );
  const usage = await get('/fleet/v1/usage');
  expect(usage).toMatchObject({
    items: [{ deployment: 'collage', gpu: 'A10G', busy_seconds: 3600, usd: 2, formula: expect.stringContaining('price per hour / 3600') }],
    next: null,
    from: new Date(t0 - 86_400_000).toISOString(),
    to: new Date(t0).toISOString(),
    usd_per_minute: 0.04,
  });
  expect((await get(`/fleet/v1/usage?from=${new Date(t0 + 1).toISOString()}&to=${new Date(t0 + 2).toISOString()}`)).items).toEqual([]);
  expect(await get(`/fleet/v1/usage?from=${new Date(t0 + 5).toISOString()}`)).toMatchObject({ status: 400, code: 'invalid_parameter' });
  expect(await get('/fleet/v1/usage?from=yesterday')).toMatchObject({ status: 400, code: 'invalid_parameter' });
});

test('health in words', async () => {
  expect(await get('/fleet/v1/health')).toEqual({
    code: 'flow/idle',
    severity: 'good',
    sentence: 'Nothing to do.',
    evidence: ['No jobs.'],
    ruled_out: [],
    as_of: new Date(t0).toISOString(),
    version: '1.2.3',
    runtime: { name: 'emulated', capacity: 100, ready: true, note: 'emulated containers' },
  });
  expect(await get('/fleet/v1/overview')).toMatchObject({ as_of: t0 });
});

test('keys are made, listed and revoked', async () => {
  const created = await send('POST', '/fleet/v1/keys', { name: ' ci ', role: 'invoke' });
  expect(created.statusCode).toBe(201);
  expect(created.headers['cache-control']).toBe('no-store');
  const { id, secret, tail } = created.json();
  expect(secret).toMatch(/^cfk_/);
  const list = await get('/fleet/v1/keys');
  expect(list).toMatchObject({ items: [{ id, name: 'ci', role: 'invoke', tail, revoked_at: null, last_used_at: null }], next: null });
  expect(JSON.stringify(list)).not.toContain(secret);
  await send('POST', '/fleet/v1/keys', { name: 'second' });
  expect((await pagesOf('/fleet/v1/keys?limit=1')).map(({ name }) => name)).toEqual(['ci', 'second']);
  expect((await send('DELETE', `/fleet/v1/keys/${id}`)).json()).toMatchObject({ id, revoked_at: expect.any(String) });
  expect((await send('DELETE', '/fleet/v1/keys/nonsense')).statusCode).toBe(404);
  for (const body of [{}, { name: '' }, { name: 'x', role: 'owner' }, { name: 'x', nonsense: 1 }]) {
    expect((await send('POST', '/fleet/v1/keys', body)).json()).toMatchObject({ status: 400, code: 'invalid_parameter' });
  }
});

describe('uploads', () => {
  const upload = (payload: Buffer | string | undefined, headers: Record<string, string>) =>
    world.app.inject({ method: 'POST', url: '/fleet/v1/uploads', headers, ...(payload === undefined ? {} : { payload }) });

  test.each(['application/octet-stream', 'image/png', 'application/json', 'text/plain', 'application/x-www-form-urlencoded'])(
    'bytes as %s',
    async (type) => {
      const response = await upload(png, { 'content-type': type });
      expect(response.statusCode).toBe(201);
      const { asset, bytes, mime, name } = response.json();
      expect({ bytes, mime }).toEqual({ bytes: png.length, mime: 'image/png' });
      expect(name).toBe(`${asset.slice(7, 39)}.png`);
      expect(await world.context.assets.bytes(asset)).toEqual(png);
    },
  );

  const form = (disposition: string) =>
    Buffer.concat([Buffer.from(`--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`), png, Buffer.from('\r\n--b--\r\n')]);
  const multipart = { 'content-type': 'multipart/form-data; boundary=b' };

  test('a form', async () => {
    expect((await upload(form('name="file"; filename="a.png"'), multipart)).json()).toMatchObject({ bytes: png.length });
    expect((await upload(form('name="text"'), multipart)).json()).toMatchObject({ status: 400, code: 'invalid_body' });
    expect((await upload(form('name="file"; filename="a.png"').subarray(0, 90), multipart)).json()).toMatchObject({ status: 400 });
  });

  test('nothing, and too much', async () => {
    expect((await upload(undefined, {})).json()).toMatchObject({ status: 400, code: 'invalid_body' });
    const large = await upload(Buffer.alloc(1_000_001), { 'content-type': 'application/octet-stream' });
    expect(large.json()).toMatchObject({ status: 413, code: 'body_too_large' });
  });
});

describe('OpenAPI', () => {
  test('names every route of the fleet API, and each deployment', async () => {
    const document = await get('/fleet/v1/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toMatchInlineSnapshot(`
      [
        "/d/collage/",
        "/d/collage@staging/",
        "/d/portrait/",
        "/fleet/v1/containers",
        "/fleet/v1/containers/{id}",
        "/fleet/v1/containers/{id}/logs",
        "/fleet/v1/containers/{id}/stop",
        "/fleet/v1/decisions",
        "/fleet/v1/deployments",
        "/fleet/v1/deployments/{name}",
        "/fleet/v1/deployments/{name}/scaling",
        "/fleet/v1/deployments/{name}/shadow",
        "/fleet/v1/deployments/{name}/trace",
        "/fleet/v1/events",
        "/fleet/v1/health",
        "/fleet/v1/jobs",
        "/fleet/v1/jobs/{id}",
        "/fleet/v1/jobs/{id}/attempts",
        "/fleet/v1/jobs/{id}/cancel",
        "/fleet/v1/jobs/{id}/events",
        "/fleet/v1/jobs/{id}/outputs/{index}",
        "/fleet/v1/jobs/{id}/result",
        "/fleet/v1/jobs/{id}/webhook",
        "/fleet/v1/jobs/{id}/webhook/replay",
        "/fleet/v1/keys",
        "/fleet/v1/keys/{id}",
        "/fleet/v1/overview",
        "/fleet/v1/plans",
        "/fleet/v1/plans/{id}",
        "/fleet/v1/uploads",
        "/fleet/v1/usage",
        "/fleet/v1/webhook-secret",
      ]
    `);
    expect(document.paths['/d/portrait/'].post.requestBody.content['application/json'].schema.required).toEqual(['prompt']);
    const names = JSON.stringify(document)
      .match(/#\/components\/schemas\/[^"]+/g)!
      .map((ref) => ref.split('/').at(-1)!);
    expect([...new Set(names)].filter((name) => !(name in document.components.schemas))).toEqual([]);
  });

  test('answers are what it says', async () => {
    world.containers.push(aContainer());
    const { id } = (await send('POST', '/fleet/v1/jobs', { inputs: { prompt: 'x' } })).json();
    const check = async (schema: z.ZodType, url: string) =>
      expect([url, z.safeParse(schema, await get(url)).error]).toEqual([url, undefined]);
    await check(schemas.job, `/fleet/v1/jobs/${id}`);
    await world.finish(id);
    await check(schemas.job, `/fleet/v1/jobs/${id}`);
    await check(schemas.listOf(schemas.job), '/fleet/v1/jobs');
    await check(schemas.listOf(schemas.attempt), `/fleet/v1/jobs/${id}/attempts`);
    await check(schemas.listOf(schemas.container), '/fleet/v1/containers');
    await check(schemas.listOf(schemas.deployment), '/fleet/v1/deployments');
    await check(schemas.scaling, '/fleet/v1/deployments/collage/scaling');
    await check(schemas.problem, '/fleet/v1/jobs/nonsense');
  });
});
