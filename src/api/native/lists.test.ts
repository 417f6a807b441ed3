import { Readable } from 'node:stream';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { aContainer, createApiWorld, type ApiWorld, type WorldOptions } from '../../../test/support/api.ts';
import type { InputDefinition, NodeDefinition, NodeDefinitions } from '../../comfyui/protocol.ts';
import type { Catalogue, PassedRequest } from '../../comfyui/runner.ts';
import type { Caller } from '../../store/store.ts';

let world: ApiWorld;
afterEach(() => world.app.close());

const nodeOf = (name: string, input: NodeDefinition['input']): NodeDefinition => ({ name, input, output: [], output_node: false });

const fileNode = (name: string, input: InputDefinition): NodeDefinition => nodeOf(name, { required: { file: input } });

const definitions: NodeDefinitions = {
  KSampler: nodeOf('KSampler', { required: { seed: ['INT', { max: 2 ** 64, other: 2 ** 63 }] } }),
  LoadImage: nodeOf('LoadImage', { required: { image: [['of-the-container.png'], { image_upload: true }] } }),
  LoadAudio: nodeOf('LoadAudio', { optional: { audio: ['COMBO', { options: [], audio_upload: true }] } }),
  LoadVideo: fileNode('LoadVideo', [[], { video_upload: true }]),
  Load3D: fileNode('Load3D', [[], { file_upload: true }]),
  LoadSaved: fileNode('LoadSaved', [[], { image_upload: true, image_folder: 'output' }]),
  Remote: fileNode('Remote', ['COMBO', { image_upload: true, remote: { route: '/internal/files/output' } }]),
  Long: nodeOf('Long', { hidden: { text: 'x'.repeat(3_000) } }),
};

const catalogue: Catalogue = {
  stats: { system: { comfyui_version: '0.3.64', argv: ['/home/ada/main.py'] }, devices: [{ vram_total: 24 }] },
  features: { max_upload_size: 5_000, 'extension.manager.supports_v4': true },
  extensions: ['/extensions/core/a.js'],
  embeddings: ['easynegative'],
  models: [{ folder: 'loras', files: ['a.safetensors'], details: null, paths: 1 }],
};

interface Passed extends PassedRequest {
  readonly to: string;
}

let passed: Passed[];

/** A world where a container has reported; `answer` is what containers say to what is passed to them. */
async function create({ config, reported = true }: WorldOptions & { reported?: boolean } = {}, answer = '{"a": 1}', status = 200) {
  passed = [];
  world = await createApiWorld({
    ...(config ? { config } : {}),
    change: ({ deployments }) => ({
      ...(reported ? { deployments: { ...deployments, definitions: () => definitions, catalogue: () => catalogue } } : {}),
      containers: {
        async pass({ url }, request) {
          passed.push({ ...request, to: url });
          return { status, headers: { 'content-type': 'text/html' }, body: Readable.from([Buffer.from(answer)]) };
        },
      },
    }),
  });
}

const caller: Caller = { workspace: 'local', key: null };
async function put(filename: string, type: 'input' | 'output' = 'input', subfolder = '', of = caller): Promise<void> {
  const { store, clock } = world.context;
  const file = { type, subfolder, filename, asset: 'blake3:x', bytes: 1, mime: 'image/png' };
  await store.nameUpload({ caller: of, file, overwrite: false, at: clock.now() });
}

const get = (url: string, headers: Record<string, string> = {}) => world.app.inject({ url, headers });
const refusal = (type: string) => ({ error: { type, message: expect.any(String) as string }, node_errors: {} });

describe('/object_info', () => {
  test('offers the caller’s own files of the kind that each node takes, and nobody else’s', async () => {
    await create();
    for (const name of ['b.png', 'a.jpg', 'song.mp3', 'film.mp4', 'thing.glb']) await put(name);
    await put('made.png', 'output');
    await put('below.png', 'input', 'sub');
    await put('bobs.png', 'input', '', { workspace: 'local', key: 'bob' });
    const info = (await get('/object_info')).json<Record<string, NodeDefinition>>();
    expect(Object.keys(info)).toEqual(Object.keys(definitions));
    expect(info['LoadImage']?.input.required).toEqual({ image: [['a.jpg', 'b.png'], { image_upload: true }] });
    expect(info['LoadAudio']?.input.optional).toEqual({ audio: ['COMBO', { options: ['film.mp4', 'song.mp3'], audio_upload: true }] });
    expect(info['LoadVideo']?.input.required?.['file']?.[0]).toEqual(['film.mp4']);
    expect(info['Load3D']?.input.required?.['file']?.[0]).toHaveLength(5);
    expect(info['LoadSaved']?.input.required?.['file']?.[0]).toEqual(['made.png']);
    expect(info['Remote']).toEqual(definitions['Remote']);
    for (const name of Object.keys(definitions)) {
      expect((await get(`/object_info/${name}`)).json()).toEqual({ [name]: info[name] });
    }
    for (const name of ['Nothing', 'constructor', '__proto__', '%00']) expect((await get(`/object_info/${name}`)).body).toBe('{}');
  });

  test('limits of 64 bits are told as ComfyUI wrote them', async () => {
    await create();
    for (const path of ['/object_info', '/object_info/KSampler']) {
      expect((await get(path)).body).toContain('{"max":18446744073709551615,"other":9223372036854775807}');
    }
  });

  test('is compressed as the client likes it, and told by a tag that changes with the files', async () => {
    await create();
    const plain = await get('/object_info');
    const br = await get('/object_info', { 'accept-encoding': 'gzip, deflate, br' });
    const gzip = await get('/object_info', { 'accept-encoding': 'gzip;q=0.5, br;q=0' });
    expect([br, gzip, plain].map(({ headers }) => headers['content-encoding'])).toEqual(['br', 'gzip', undefined]);
    expect(brotliDecompressSync(br.rawPayload).toString()).toBe(plain.body);
    expect(gunzipSync(gzip.rawPayload).toString()).toBe(plain.body);
    expect(br.headers).toMatchObject({ vary: 'accept-encoding', 'content-type': 'application/json; charset=utf-8' });
    const known = { 'accept-encoding': 'br', 'if-none-match': String(br.headers['etag']) };
    expect((await get('/object_info', known)).statusCode).toBe(304);
    expect((await get('/object_info', { ...known, 'accept-encoding': 'gzip' })).statusCode).toBe(200);
    await put('new.png');
    expect((await get('/object_info', known)).statusCode).toBe(200);
    const head = await world.app.inject({ method: 'HEAD', url: '/object_info', headers: { 'accept-encoding': 'br' } });
    expect([head.statusCode, head.body]).toEqual([200, '']);
  });

  test('many callers with files of their own: each sees its own', async () => {
    await create();
    const keys = await Promise.all(Array.from({ length: 12 }, (_, i) => world.context.keys.create(`key-${i}`, 'invoke')));
    for (const [i, { key }] of keys.entries()) await put(`${i}.png`, 'input', '', { workspace: 'local', key: key.id });
    for (const round of [1, 2]) {
      for (const [i, { secret }] of keys.entries()) {
        const info = await get('/object_info', { 'x-api-key': secret });
        expect([round, info.json<NodeDefinitions>()['LoadImage']?.input.required?.['image']?.[0]]).toEqual([round, [`${i}.png`]]);
      }
    }
  });
});

describe('before a container has reported', () => {
  test('lists say so, instead of being empty', async () => {
    await create({ reported: false });
    const lists = ['object_info', 'object_info/KSampler', 'models', 'models/loras', 'embeddings', 'extensions', 'experiment/models'];
    for (const list of lists) {
      const answer = await get(`/${list}`);
      expect([list, answer.statusCode, answer.json()]).toMatchObject([list, 503, refusal('nothing_reported')]);
      expect(answer.headers['retry-after']).toBeDefined();
    }
    expect((await get('/features')).json()).toEqual({ supports_preview_metadata: true, max_upload_size: 104_857_600 });
    expect((await get('/system_stats')).json()).toMatchObject({
      system: { comfyui_version: 'unknown', comfleet: { runtime: 'emulated' } },
    });
  });
});

describe('where models may have been put in place meanwhile', () => {
  test('the answer comes at once from what is known, and the next one tells of them', async () => {
    let now = catalogue;
    let asked = 0;
    world = await createApiWorld({
      change: ({ deployments }) => ({
        deployments: { ...deployments, definitions: () => definitions, catalogue: () => now },
        refresh: async () => {
          asked++;
          await Promise.resolve();
          now = { ...catalogue, models: [{ folder: 'loras', files: ['a.safetensors', 'new.safetensors'], details: null, paths: 1 }] };
        },
      }),
    });
    expect((await get('/models/loras')).json()).toEqual(['a.safetensors']);
    expect((await get('/models/loras')).json()).toEqual(['a.safetensors', 'new.safetensors']);
    for (const list of ['object_info', 'object_info/KSampler', 'models', 'embeddings', 'extensions', 'experiment/models']) {
      const before = asked;
      await get(`/${list}`);
      expect([list, asked]).toEqual([list, before + 1]);
    }
  });
});

describe('other lists', () => {
  test('show no paths and no arguments, and promise nothing that does not pass', async () => {
    await create();
    expect((await get('/system_stats')).json()).toMatchObject({
      system: { comfyui_version: '0.3.64', argv: [] },
      devices: [{ name: 'gpu0 A10G (emulated)', vram_total: 24, vram_free: 0 }],
    });
    expect((await get('/features')).json()).toEqual({ supports_preview_metadata: true, max_upload_size: 5_000 });
    expect((await get('/experiment/models')).json()).toEqual([{ name: 'loras', folders: ['/models/loras'] }]);
    expect((await get('/experiment/models/loras')).json()).toEqual([{ name: 'a.safetensors', pathIndex: 0 }]);
    for (const nothing of ['/models/%2e%2e%2f', '/models/constructor', '/experiment/models/x']) {
      expect([nothing, (await get(nothing)).statusCode]).toEqual([nothing, 404]);
    }
    expect(passed).toEqual([]);
  });

  test('a GPU without a model has no name', async () => {
    await create();
    Object.assign(world.context.fleet, { slots: () => [{ host: 'local', device: 'gpu0', gpu: 'none', share: 1 }] });
    expect((await get('/system_stats')).json()).toMatchObject({ devices: [{ name: 'gpu0 (emulated)', type: 'cuda' }] });
  });

  test('files of a folder, newest first; of the caller alone', async () => {
    await create();
    await put('a.png');
    await put('bobs.png', 'input', '', { workspace: 'local', key: 'bob' });
    expect((await get('/internal/files/input')).json()).toEqual(['a.png']);
    expect((await get('/internal/files/models')).statusCode).toBe(400);
  });

  test('a model’s own words are asked of a ready container once, and only for a model that is listed', async () => {
    await create();
    const ask = (file: string) => get(`/view_metadata/loras?filename=${encodeURIComponent(file)}`);
    expect((await ask('a.safetensors')).statusCode).toBe(404);
    expect(passed).toEqual([]);
    world.containers.push(aContainer({ state: 'starting' }), aContainer({ deployment: 'portrait' }));
    expect((await ask('a.safetensors')).statusCode).toBe(404);
    world.containers.push(aContainer({ state: 'busy' }));
    expect((await ask('../a.safetensors')).statusCode).toBe(404);
    for (let i = 0; i < 2; i++) expect((await ask('a.safetensors')).json()).toEqual({ a: 1 });
    expect(passed.map(({ path }) => path)).toEqual(['/view_metadata/loras?filename=a.safetensors']);
  });
});

describe('what passes to containers', () => {
  const allow = (...given: string[]) =>
    given.map((text) => {
      const [path = '', method = 'GET'] = text.split(' ').reverse();
      return { path, method: method as 'GET' | 'POST' };
    });
  const configured = (name: string, ...given: string[]) => ({
    name,
    environment: 'production',
    default: false,
    workflow: '',
    inputs: null,
    outputs: null,
    files: {},
    scaling: {},
    executionTimeoutMs: 1,
    native: { allow: allow(...given) },
  });
  const config = { deployments: [configured('collage', '/pack', 'POST /pack/do', '/view'), configured('portrait', '/other')] };

  test('nothing, unless a deployment allows it: the reason names the setting', async () => {
    await create({ config });
    world.containers.push(aContainer());
    const urls = [
      '/api/manager/reboot',
      '/d/collage/manager/reboot',
      '/d/portrait/pack/a',
      '/internal/logs',
      '/manager/reboot',
      '/api/pack2',
    ];
    for (const url of [...urls, '/api/other/a', '/d/collage/api/internal/logs/raw', '/customnode/install', '/d/collage@staging/pack']) {
      const answer = await get(url);
      expect([url, answer.statusCode, answer.json()]).toMatchObject([url, 403, refusal('not_passed')]);
      expect(answer.body).toContain('native.allow');
    }
    expect((await world.app.inject({ method: 'POST', url: '/api/pack', payload: {} })).statusCode).toBe(403);
    expect((await world.app.inject({ method: 'POST', url: '/pack/do', payload: 'x' })).statusCode).toBe(200);
    expect(passed).toHaveLength(1);
  });

  test('reads of an allowed path and below, with the query, without the key; the answer runs in a sandbox', async () => {
    await create({ config }, '<script>alert(1)</script>', 418);
    const { secret } = await world.context.keys.create('ada', 'invoke');
    world.containers.push(
      aContainer({ endpoint: { url: 'http://busy' }, state: 'busy' }),
      aContainer({ endpoint: { url: 'http://idle' } }),
    );
    for (const url of ['/pack', '/api/pack/a%20b?x=1&y=%2F', '/d/collage/pack/c', '/d/collage/api/pack/d']) {
      const answer = await get(url, { 'x-api-key': secret, cookie: 'a=b', accept: 'text/html' });
      expect([url, answer.statusCode, answer.body]).toEqual([url, 418, '<script>alert(1)</script>']);
      expect(answer.headers['content-security-policy']).toMatch(/^sandbox;/);
    }
    expect(passed.map(({ path, to }) => [to, path])).toEqual([
      ['http://idle', '/pack'],
      ['http://idle', '/pack/a%20b?x=1&y=%2F'],
      ['http://idle', '/pack/c'],
      ['http://idle', '/pack/d'],
    ]);
    expect(passed.map(({ headers }) => headers)).toEqual(Array.from({ length: 4 }, () => ({ accept: 'text/html' })));
  });

  test.each(['/pack/../internal/logs', '/pack/%2e%2e/x', '/pack/..%2fx', '/pack//x', '/pack/a%5Cb', '/pack/%00', '/pack/a%2Fb'])(
    'a path that may be read in two ways is refused: %s',
    async (path) => {
      await create({ config });
      world.containers.push(aContainer());
      for (const place of ['', '/api', '/d/collage']) expect((await get(place + path)).statusCode).toBeGreaterThanOrEqual(400);
      expect(passed).toEqual([]);
    },
  );

  test('it wakes nothing, and own routes stay own', async () => {
    await create({ config });
    expect((await get('/pack')).json()).toMatchObject(refusal('nothing_reported'));
    world.containers.push(aContainer());
    expect((await get('/view?filename=a')).statusCode).toBe(404);
    expect(passed).toEqual([]);
  });
});

describe('/free', () => {
  const free = (payload: unknown, headers: Record<string, string> = {}) =>
    world.app.inject({
      method: 'POST',
      url: '/free',
      payload: JSON.stringify(payload),
      headers: { 'content-type': 'application/json', ...headers },
    });

  test('an admin frees idle containers of the deployment, others free nothing', async () => {
    await create();
    const { secret } = await world.context.keys.create('ada', 'invoke');
    world.containers.push(aContainer(), aContainer({ state: 'busy' }), aContainer({ deployment: 'portrait' }));
    expect((await free({ free_memory: true }, { 'x-api-key': secret })).statusCode).toBe(200);
    expect(passed).toEqual([]);
    const answer = await free({ free_memory: true, other: 1 });
    expect([answer.statusCode, answer.body]).toEqual([200, '']);
    expect(passed.map(({ path, body }) => [path, String(body)])).toEqual([['/free', '{"unload_models":false,"free_memory":true}']]);
    expect((await free([])).statusCode).toBe(500);
    expect((await free({}, { 'content-type': 'text/plain' })).statusCode).toBe(200);
  });
});

test.each([
  '/history/',
  '/object_info/',
  '/models/',
  '/experiment/models/',
  '/view_metadata/',
  '/userdata/',
  '/settings/',
  '/internal/files/',
])('GET %s names nothing and is no route, as in ComfyUI', async (path) => {
  await create();
  for (const place of ['', '/api', '/d/collage', '/d/collage/api']) {
    for (const method of ['GET', 'HEAD'] as const) {
      const { statusCode, body } = await world.app.inject({ method, url: `${place}${path}?filename=a` });
      expect([place, method, statusCode, body]).toEqual([place, method, 404, method === 'GET' ? '404: Not Found' : '']);
    }
  }
});
