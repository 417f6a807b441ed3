import { readdirSync } from 'node:fs';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmulatedWorld, save, seconds, simple, textToImage } from '../../test/protocol/emulated-world.ts';
import { catalogueFor, usualModels } from './definitions.ts';
import { readTextChunks } from './png.ts';
import { loadProfile } from './profile.ts';

let world: EmulatedWorld;
beforeEach(() => {
  world = new EmulatedWorld();
});
afterEach(() => world.close());

describe('files', () => {
  test('nothing is written before it is needed', async () => {
    await world.start();
    expect(readdirSync(world.folder)).toEqual([]);
    await world.run(simple());
    expect(readdirSync(world.folder)).toEqual(['output']);
  });

  test('a picture says where it comes from', async () => {
    await world.start();
    const workflow = { id: 'w', title: 'ü' };
    const chunks = readTextChunks(await world.view(await world.run(simple(), { extra_data: { extra_pnginfo: { workflow } } }), '2'));
    expect(chunks.map(({ key }) => key)).toEqual(['prompt', 'workflow', 'comfleet']);
    expect(JSON.parse(chunks[0]!.text)).toEqual(simple());
    expect(JSON.parse(chunks[1]!.text)).toEqual(workflow);
    expect(chunks[2]!.text).toBe('emulated container, profile instant');
  });

  test('a temp folder of an earlier life is emptied', async () => {
    const preview = { ...simple(), 2: { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    const first = await world.start();
    await world.run(preview);
    expect(readdirSync(join(world.folder, 'temp'))).toHaveLength(1);
    await first.close();
    await world.start();
    expect(readdirSync(world.folder)).not.toContain('temp');
  });

  test('numbers go on where another life in the same folder ended', async () => {
    const first = await world.start();
    await world.run(simple(1));
    await world.run(simple(2));
    await first.close();
    await world.start();
    expect((await world.run(simple(3))).outputs['2']!.images![0]!.filename).toBe('x_00003_.png');
  });
});

describe('time', () => {
  test('the article’s request: 0.45 s before the queue, 3.5 s on the GPU, 0.45 s before the file', async () => {
    await world.start({ profile: loadProfile('a10g-collage') });
    const begun = world.clock.now();
    const id = await world.submit(textToImage());
    expect(world.clock.now() - begun).toBeGreaterThanOrEqual(450);
    const entry = await world.result(id);
    expect(seconds(entry)).toBeCloseTo(3.5, 2);
    await world.view(entry, '9');
    expect(world.clock.now() - begun).toBeCloseTo(4400, 0);
  });

  test('two requests share the GPU, not what is outside of it', async () => {
    await world.start({ profile: loadProfile('a10g-collage') });
    const begun = world.clock.now();
    const ids = await Promise.all([1, 2, 3].map((seed) => world.submit(textToImage({ seed }))));
    const entries = await Promise.all(ids.map((id) => world.result(id)));
    await Promise.all(entries.map((entry) => world.view(entry, '9')));
    expect((world.clock.now() - begun) / 1000).toBeCloseTo(0.45 + 3 * 3.5 + 0.45, 1);
  });

  test('a model is loaded when it is not on the GPU', async () => {
    const profile = loadProfile('h100-sdxl');
    await world.start({
      profile: { ...profile, seconds: { ...profile.seconds, execute: [3], first_job: [14], execute_after_other_model: [6] } },
    });
    expect(seconds(await world.run(textToImage()))).toBeCloseTo(14, 1);
    expect(seconds(await world.run(textToImage({ seed: 2 })))).toBeCloseTo(3, 1);
    expect(seconds(await world.run(textToImage({ model: usualModels.checkpoints[1]! })))).toBeCloseTo(6, 1);
    await fetch(`${world.url}/free`, { method: 'POST', body: '{"unload_models": true, "free_memory": true}' });
    expect(seconds(await world.run(textToImage({ model: usualModels.checkpoints[1]! })))).toBeCloseTo(14, 1);
  });

  test('a client that can take previews gets them, each before its step', async () => {
    await world.start({ profile: loadProfile('a10g-collage'), flags: ['--preview-method', 'latent2rgb'] });
    const { all, ended } = await world.listen('c', { type: 'feature_flags', data: { supports_preview_metadata: true } });
    await world.submit(textToImage(), { client_id: 'c' });
    await ended;
    const frames = all.flatMap((message, at) => (Buffer.isBuffer(message) ? [{ frame: message, next: all[at + 1] }] : []));
    expect(frames.length).toBeGreaterThan(3);
    for (const { frame, next } of frames) {
      expect(frame.readUInt32BE(0)).toBe(4);
      expect(JSON.parse(frame.toString('utf8', 8, 8 + frame.readUInt32BE(4)))).toMatchObject({ node_id: '3', image_type: 'image/jpeg' });
      expect(next).toMatchObject({ type: 'progress' });
    }
  });
});

test('a page whose name was made to resolve to this machine reaches nothing, and its socket neither', async () => {
  await world.start();
  const { port } = new URL(world.url);
  const status = (host: string, extra: Record<string, string> = {}): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(`${world.url}/ws`, { agent: false, headers: { host, origin: `http://${host}`, ...extra } }, (response) =>
        resolve(response.resume().statusCode),
      );
      asked
        .once('upgrade', (response, socket) => (socket.destroy(), resolve(response.statusCode)))
        .once('error', reject)
        .end();
    });
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  for (const host of [`evil.com:${port}`, 'evil.com', `127.0.0.1.evil.com:${port}`, `10.0.0.1:${port}`]) {
    expect([host, await status(host), await status(host, upgrade)]).toEqual([host, 403, 403]);
  }
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) expect(await status(host, upgrade)).toBe(101);
});

describe('what it says of itself', () => {
  test('/system_stats has all that a real one has, and that it is none', async () => {
    await world.start();
    const { system, devices } = (await world.get('/api/system_stats')) as {
      system: Record<string, unknown>;
      devices: object[];
    };
    expect(system).toMatchObject({ comfyui_version: '0.3.64', comfleet: { emulated: true, profile: 'instant' } });
    expect(system['argv']).toContain('--emulated');
    expect(devices).toHaveLength(1);
  });

  test('what the gateway knows before a container runs is what each says', async () => {
    for (const [name, device] of [
      ['instant', 'cuda:0 (emulated)'],
      ['a10g-collage', 'cuda:0 A10G (emulated)'],
    ] as const) {
      await world.start({ profile: loadProfile(name) });
      const stats = await world.get('/system_stats');
      expect(catalogueFor(usualModels, loadProfile(name)).stats).toEqual(stats);
      expect(stats).toMatchObject({ devices: [{ name: device, vram_total: 24 * 2 ** 30 }] });
    }
  });

  test('what a later version says otherwise', async () => {
    await world.start({ version: '0.12.1', faults: { hang: true } });
    await world.submit(simple(), { prompt_id: 'p', extra_data: { api_key_comfy_org: 'secret' } });
    expect(JSON.stringify(await world.get('/queue'))).not.toContain('secret');
    expect(await world.get('/api/jobs/p')).toMatchObject({ status: 'pending', create_time: world.clock.now() });
    expect(await world.get('/system_stats')).toMatchObject({ system: { comfyui_version: '0.12.1', os: 'linux' } });
    const refused = await world.post('/prompt', { prompt: { 1: { class_type: 'Nope', inputs: {} } } });
    const extra_info = { node_id: '1', class_type: 'Nope', node_title: 'Nope' };
    expect(await refused.json()).toMatchObject({ error: { type: 'missing_node_type', extra_info } });
    await world.start();
    expect((await fetch(`${world.url}/api/jobs`)).status).toBe(404);
  });

  test('its log is heard by whoever asks for it', async () => {
    await world.start();
    const { all, ended } = await world.listen('c');
    await fetch(`${world.url}/internal/logs/subscribe`, { method: 'PATCH', body: JSON.stringify({ clientId: 'c', enabled: true }) });
    await world.submit(simple(), { client_id: 'c' });
    await ended;
    expect(all).toContainEqual({ type: 'logs', data: { entries: [{ t: expect.any(String), m: 'got prompt\n' }], size: null } });
    expect(await world.get('/internal/logs')).toContain('got prompt');
    expect(await world.get('/internal/logs/raw')).toMatchObject({ entries: [{ m: 'got prompt\n' }, { m: expect.any(String) }] });
  });

  test('its log tells of prompts and errors', async () => {
    const server = await world.start();
    const lines: string[] = [];
    const stop = server.log(({ stream, text }) => lines.push(`${stream} ${text}`));
    await world.run(simple());
    await world.run({ ...simple(), 2: { ...save('1'), inputs: { images: ['1', 0], filename_prefix: '../x' } } });
    stop();
    await world.run(simple(9));
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'stdout got prompt',
      'stdout Prompt executed',
      'stdout got prompt',
      'stderr !!! Exception',
      'stdout Prompt executed',
    ]);
  });
});

describe('faults', () => {
  test('hang: prompts are taken and do not move, until it ends', async () => {
    const server = await world.start({ faults: { hang: true } });
    const id = await world.submit(simple());
    await new Promise((resolve) => setImmediate(resolve));
    expect(await world.get('/prompt')).toEqual({ exec_info: { queue_remaining: 1 } });
    server.setFaults({});
    expect((await world.result(id)).status.status_str).toBe('success');
  });

  test('crash: the prompt is accepted, then all connections end', async () => {
    let crashed = (): void => {};
    const told = new Promise<void>((resolve) => (crashed = resolve));
    await world.start({ onCrash: () => crashed() });
    const { ended } = await world.listen('c');
    await world.post('/emulator/faults', { crash: true });
    await world.submit(simple());
    await Promise.all([told, ended]);
    await expect(fetch(`${world.url}/queue`)).rejects.toThrow();
  });

  test('silent socket: nothing is heard, and the prompt runs', async () => {
    await world.start();
    const { all } = await world.listen('c');
    await world.post('/emulator/faults', { silentSocket: true });
    expect((await world.run(simple(), { client_id: 'c' })).status.status_str).toBe('success');
    expect(all).toHaveLength(1);
  });

  test('out of memory: the next sampler fails, the one after does not', async () => {
    await world.start();
    await world.post('/emulator/faults', { outOfMemory: true });
    const { status } = await world.run(textToImage());
    expect(status.messages.at(-1)).toMatchObject(['execution_error', { exception_type: 'torch.OutOfMemoryError', node_type: 'KSampler' }]);
    expect((await world.run(textToImage())).status.status_str).toBe('success');
  });

  test('corrupt file: half of it', async () => {
    await world.start();
    const entry = await world.run(simple());
    const whole = await world.view(entry, '2');
    await world.post('/emulator/faults', { corruptFile: true });
    expect(await world.view(entry, '2')).toEqual(whole.subarray(0, whole.length >> 1));
  });

  test('slow start: the port opens after that time', async () => {
    const before = world.clock.now();
    await world.start({ faults: { slowStart: 30 } });
    expect(world.clock.now() - before).toBe(30_000);
  });

  test('two waiting prompts of one number and id: the second is refused and stays, and no work is done ever after', async () => {
    const server = await world.start({ faults: { hang: true } });
    const twin = { prompt_id: 'twin', number: 1 };
    await world.submit(simple(1), twin);
    expect((await world.post('/prompt', { prompt: simple(2), ...twin })).status).toBe(500);
    await world.submit(simple(3), { number: 0 });
    server.setFaults({});
    await world.submit(simple(4));
    expect(await world.get('/history')).toEqual({});
    expect(((await world.get('/queue')) as { queue_running: unknown[] }).queue_running).toEqual([]);
    expect((await fetch(`${world.url}/system_stats`)).status).toBe(200);
  });

  test('an unknown fault is refused and changes nothing', async () => {
    await world.start({ faults: { hang: true } });
    expect((await world.post('/emulator/faults', { crush: true })).status).toBe(400);
    expect(await world.get('/emulator/faults')).toEqual({ hang: true });
  });
});

describe('what is not there', () => {
  test.each([
    ['POST', '/nosuchroute', 405, 'GET,HEAD'],
    ['PUT', '/', 405, 'GET,HEAD'],
    ['POST', '/object_info', 405, 'GET,HEAD'],
    ['DELETE', '/api/queue', 405, 'GET,HEAD,POST'],
    ['PUT', '/upload/image', 405, 'GET,HEAD,POST'],
    ['POST', '/internal/logs', 405, 'GET,HEAD'],
  ])('%s %s: pages can lie anywhere, so reading is allowed', async (method, path, status, allowed) => {
    await world.start();
    const answer = await fetch(world.url + path, { method });
    expect([answer.status, answer.headers.get('allow'), await answer.text()]).toEqual([status, allowed, '405: Method Not Allowed']);
  });

  test.each([
    ['/nosuchroute', ''],
    ['/upload/image', ''],
    ['/internal/nosuchroute', '404: Not Found'],
  ])('GET %s: there is no such page', async (path, text) => {
    await world.start();
    const answer = await fetch(world.url + path);
    expect([answer.status, await answer.text()]).toEqual([404, text]);
  });

  test.each([
    [{}, 'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".'],
    [{ connection: 'Upgrade', upgrade: 'h2c' }, 'No WebSocket UPGRADE hdr: h2c\n Can "Upgrade" only to "WebSocket".'],
    [{ upgrade: 'websocket' }, 'No CONNECTION upgrade hdr: keep-alive'],
  ])('a socket without a handshake: %j', async (headers, text) => {
    await world.start();
    for (const path of ['/ws', '/api/ws?clientId=c']) {
      const [answer] = (await once(request(world.url + path, { headers }).end(), 'response')) as [IncomingMessage];
      const body = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
      expect([answer.statusCode, answer.headers['content-type'], body]).toEqual([400, 'text/plain; charset=utf-8', text]);
    }
  });
});

describe('the server', () => {
  test('closes while a prompt runs and requests wait', async () => {
    const server = await world.start({ profile: loadProfile('a10g-collage'), clock: { now: () => 0, at: () => ({ cancel: () => {} }) } });
    const waiting = world.submit(simple());
    const lost = expect(waiting).rejects.toThrow();
    const socket = await world.listen('c');
    await server.close();
    await Promise.all([lost, socket.ended]);
  });

  test('a port that is taken is an error', async () => {
    const { port } = new URL((await world.start()).url);
    await expect(world.start({ port: Number(port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('a body that ends early, or is no JSON, changes nothing', async () => {
    await world.start();
    expect((await fetch(`${world.url}/prompt`, { method: 'POST', body: '{"prompt": {' })).status).toBe(500);
    expect(await world.get('/queue')).toEqual({ queue_running: [], queue_pending: [] });
  });

  test('fifty of them are independent', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => world.start({ name: `c${i}`, folder: join(world.folder, String(i)) })),
    );
    world.url = all[7]!.url;
    await world.run(simple(), { prompt_id: 'p' });
    for (const [i, { url }] of all.entries()) {
      world.url = url;
      expect(Object.keys((await world.get('/history')) as object)).toEqual(i === 7 ? ['p'] : []);
    }
  });
});
