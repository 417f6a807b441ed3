import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Clock } from '../fleet/clock.ts';
import { definitionsFor, usualModels } from './definitions.ts';
import { nodeClasses } from './nodes/registry.ts';
import { PixelPool } from './pixels/pool.ts';
import { readTextChunks } from './png.ts';
import { loadProfile } from './profile.ts';
import { startEmulatedServer } from './server.ts';
import type { EmulatedServer, EmulatedServerOptions } from './server.ts';

/** Waits take no time, and the clock shows as if they had. */
class JumpingClock implements Clock {
  #now = 1_000_000;
  now(): number {
    return this.#now;
  }
  at(at: number, fn: () => void): { cancel(): void } {
    const handle = setImmediate(() => {
      this.#now = Math.max(this.#now, at);
      fn();
    });
    return { cancel: () => clearImmediate(handle) };
  }
}

const pixels = new PixelPool({ threads: 1 });
const servers: EmulatedServer[] = [];
let clock: JumpingClock;
let folder: string;
let url: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'comfleet-emulator-'));
  clock = new JumpingClock();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  rmSync(folder, { recursive: true });
});
afterAll(() => pixels.close());

async function start(options: Partial<EmulatedServerOptions> = {}): Promise<EmulatedServer> {
  const server = await startEmulatedServer({ profile: loadProfile('instant'), clock, name: 'test', folder, pixels, ...options });
  servers.push(server);
  ({ url } = server);
  return server;
}

type Graph = Record<string, { class_type: string; inputs: Record<string, unknown> }>;
const ckpt_name = usualModels.checkpoints[0]!;

const save = (from: string, slot = 0): Graph[string] => ({
  class_type: 'SaveImage',
  inputs: { images: [from, slot], filename_prefix: 'x' },
});
const simple = (color = 1): Graph => ({
  1: { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color } },
  2: save('1'),
});

function textToImage({ text = 'a regal phoenix', steps = 25, seed = 1, model = ckpt_name, width = 64 } = {}): Graph {
  const sampler = { seed, steps, cfg: 7, sampler_name: 'euler', scheduler: 'normal', denoise: 1 };
  return {
    3: { class_type: 'KSampler', inputs: { ...sampler, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] } },
    4: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: model } },
    5: { class_type: 'EmptyLatentImage', inputs: { width, height: 64, batch_size: 1 } },
    6: { class_type: 'CLIPTextEncode', inputs: { text, clip: ['4', 1] } },
    7: { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
    8: { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    9: save('8'),
  };
}

interface Entry {
  outputs: Record<string, { images?: { filename: string; type: string }[]; text?: string[] }>;
  status: { status_str: string; messages: [string, Record<string, unknown>][] };
}

async function submit(graph: Graph, more: object = {}): Promise<string> {
  const answer = await fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: graph, ...more }) });
  const body = (await answer.json()) as { prompt_id: string };
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body.prompt_id;
}

async function result(id: string): Promise<Entry> {
  for (;;) {
    const history = (await (await fetch(`${url}/history/${id}`)).json()) as Record<string, Entry>;
    if (history[id]) return history[id];
  }
}

const run = async (graph: Graph, more?: object): Promise<Entry> => result(await submit(graph, more));
const time = (entry: Entry): number => {
  const [first, last] = [entry.status.messages[0]![1]['timestamp'], entry.status.messages.at(-1)![1]['timestamp']];
  return (Number(last) - Number(first)) / 1000;
};

async function view(entry: Entry, node: string): Promise<Buffer> {
  const { filename, type } = entry.outputs[node]!.images![0]!;
  return Buffer.from(await (await fetch(`${url}/view?filename=${filename}&type=${type}`)).arrayBuffer());
}

async function upload(filename: string, content: Buffer): Promise<void> {
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(content)]), filename);
  expect((await fetch(`${url}/upload/image`, { method: 'POST', body: form })).status).toBe(200);
}

const setFaults = (faults: object): Promise<Response> => fetch(`${url}/emulator/faults`, { method: 'POST', body: JSON.stringify(faults) });

/** Connects and collects; `heard` settles when a message answers the question. */
async function listen(
  clientId: string,
  firstWords?: object,
): Promise<{ all: (Buffer | { type: string; data: Record<string, unknown> })[]; ended: Promise<void> }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=${clientId}`);
  const all: (Buffer | { type: string; data: Record<string, unknown> })[] = [];
  const ended = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer, isBinary) => {
      const message = isBinary ? data : (JSON.parse(data.toString()) as { type: string; data: Record<string, unknown> });
      all.push(message);
      if (!Buffer.isBuffer(message) && message.type === 'executing' && message.data['node'] === null) resolve();
    });
    socket.on('close', () => resolve());
  });
  const wanted = firstWords ? 2 : 1;
  if (firstWords) socket.on('open', () => socket.send(JSON.stringify(firstWords)));
  await new Promise<void>((resolve) => socket.on('message', () => all.length >= wanted && resolve()));
  return { all, ended };
}

describe('nodes', () => {
  test('what is defined can run, and what can run is defined', () => {
    expect(Object.keys(definitionsFor(usualModels)).sort()).toEqual(Object.keys(nodeClasses).sort());
  });

  test('every image and mask node works in a graph', async () => {
    await start();
    await upload(
      'in.png',
      await sharp({ create: { width: 20, height: 10, channels: 4, background: '#33669980' } })
        .png()
        .toBuffer(),
    );
    const scale = { upscale_method: 'lanczos', crop: 'center' };
    const graph: Graph = {
      load: { class_type: 'LoadImage', inputs: { image: 'in.png' } },
      red: { class_type: 'LoadImageMask', inputs: { image: 'in.png', channel: 'red' } },
      scaled: { class_type: 'ImageScale', inputs: { image: ['load', 0], width: 30, height: 0, ...scale } },
      by: { class_type: 'ImageScaleBy', inputs: { image: ['scaled', 0], scale_by: 2, upscale_method: 'area' } },
      crop: { class_type: 'ImageCrop', inputs: { image: ['by', 0], x: 1, y: 1, width: 16, height: 12 } },
      blur: { class_type: 'ImageBlur', inputs: { image: ['crop', 0], blur_radius: 2, sigma: 1 } },
      blend: { class_type: 'ImageBlend', inputs: { image1: ['blur', 0], image2: ['load', 0], blend_factor: 0.5, blend_mode: 'overlay' } },
      solid: { class_type: 'SolidMask', inputs: { value: 0.5, width: 16, height: 12 } },
      inverse: { class_type: 'InvertMask', inputs: { mask: ['solid', 0] } },
      feather: { class_type: 'FeatherMask', inputs: { mask: ['inverse', 0], left: 2, top: 2, right: 2, bottom: 2 } },
      composite: {
        class_type: 'ImageCompositeMasked',
        inputs: { destination: ['blend', 0], source: ['load', 0], x: 2, y: 2, resize_source: true, mask: ['feather', 0] },
      },
      channel: { class_type: 'ImageToMask', inputs: { image: ['composite', 0], channel: 'green' } },
      shown: { class_type: 'MaskToImage', inputs: { mask: ['channel', 0] } },
      batch: { class_type: 'ImageBatch', inputs: { image1: ['shown', 0], image2: ['composite', 0] } },
      size: { class_type: 'GetImageSize', inputs: { image: ['batch', 0] } },
      width: { class_type: 'PreviewAny', inputs: { source: ['size', 0] } },
      mask: { class_type: 'MaskPreview', inputs: { mask: ['red', 0] } },
      out: save('batch'),
    };
    const entry = await run(graph);
    expect(entry.status).toMatchObject({ status_str: 'success' });
    expect(entry.outputs['out']!.images).toHaveLength(2);
    expect(entry.outputs['width']).toEqual({ text: ['16'] });
    const red = await sharp(await view(entry, 'mask'))
      .raw()
      .toBuffer();
    expect(red[0]).toBe(0x33);
  });

  test('texts, primitives and latents', async () => {
    await start();
    const entry = await run({
      ...textToImage(),
      text: { class_type: 'PrimitiveStringMultiline', inputs: { value: 'a' } },
      joined: { class_type: 'StringConcatenate', inputs: { string_a: ['text', 0], string_b: 'b', delimiter: '-' } },
      shown: { class_type: 'PreviewAny', inputs: { source: ['joined', 0] } },
      flag: { class_type: 'PrimitiveBoolean', inputs: { value: true } },
      flagShown: { class_type: 'PreviewAny', inputs: { source: ['flag', 0] } },
      lora: {
        class_type: 'LoraLoader',
        inputs: { model: ['4', 0], clip: ['4', 1], lora_name: 'style.safetensors', strength_model: 1, strength_clip: 1 },
      },
      last: { class_type: 'CLIPSetLastLayer', inputs: { clip: ['lora', 1], stop_at_clip_layer: -2 } },
      words: { class_type: 'CLIPTextEncode', inputs: { text: ['joined', 0], clip: ['last', 0] } },
      up: { class_type: 'LatentUpscaleBy', inputs: { samples: ['3', 0], upscale_method: 'bilinear', scale_by: 1.5 } },
      advanced: {
        class_type: 'KSamplerAdvanced',
        inputs: {
          ...{ model: ['lora', 0], add_noise: 'enable', noise_seed: 7, steps: 10, cfg: 7, sampler_name: 'euler', scheduler: 'normal' },
          ...{ positive: ['words', 0], negative: ['7', 0], latent_image: ['up', 0], start_at_step: 5, end_at_step: 10000 },
          return_with_leftover_noise: 'disable',
        },
      },
      again: {
        class_type: 'LatentUpscale',
        inputs: { samples: ['advanced', 0], upscale_method: 'bilinear', width: 128, height: 0, crop: 'disabled' },
      },
      vae: { class_type: 'VAELoader', inputs: { vae_name: 'pixel_space' } },
      decoded: { class_type: 'VAEDecode', inputs: { samples: ['again', 0], vae: ['vae', 0] } },
      out: save('decoded'),
    });
    expect(entry.status).toMatchObject({ status_str: 'success' });
    expect([entry.outputs['shown'], entry.outputs['flagShown']]).toEqual([{ text: ['a-b'] }, { text: ['True'] }]);
    expect(await sharp(await view(entry, 'out')).metadata()).toMatchObject({ width: 128, height: 128 });
  });

  test('the prompt is drawn into a background, only where the mask is', async () => {
    await start();
    await upload(
      'background.png',
      await sharp({ create: { width: 200, height: 120, channels: 3, background: '#336699' } })
        .png()
        .toBuffer(),
    );
    const graph = textToImage();
    const entry = await run({
      ...graph,
      3: { ...graph['3']!, inputs: { ...graph['3']!.inputs, latent_image: ['masked', 0] } },
      load: { class_type: 'LoadImage', inputs: { image: 'background.png' } },
      encoded: { class_type: 'VAEEncode', inputs: { pixels: ['load', 0], vae: ['4', 2] } },
      inner: { class_type: 'SolidMask', inputs: { value: 1, width: 200, height: 120 } },
      faded: { class_type: 'FeatherMask', inputs: { mask: ['inner', 0], left: 200, top: 0, right: 0, bottom: 0 } },
      masked: { class_type: 'SetLatentNoiseMask', inputs: { samples: ['encoded', 0], mask: ['faded', 0] } },
    });
    const { data, info } = await sharp(await view(entry, '9'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 200, height: 120 });
    const distance = (x: number): number =>
      [0x33, 0x66, 0x99].reduce((sum, value, c) => sum + Math.abs(data[(60 * 200 + x) * 3 + c]! - value), 0);
    expect(distance(0)).toBeLessThan(8);
    expect(distance(190)).toBeGreaterThan(30);
  });
});

describe('files', () => {
  test('nothing is written before it is needed', async () => {
    await start();
    expect(readdirSync(folder)).toEqual([]);
    await run(simple());
    expect(readdirSync(folder)).toEqual(['output']);
  });

  test('a picture says where it comes from', async () => {
    await start();
    const workflow = { id: 'w', title: 'ü' };
    const chunks = readTextChunks(await view(await run(simple(), { extra_data: { extra_pnginfo: { workflow } } }), '2'));
    expect(chunks.map(({ key }) => key)).toEqual(['prompt', 'workflow', 'comfleet']);
    expect(JSON.parse(chunks[0]!.text)).toEqual(simple());
    expect(JSON.parse(chunks[1]!.text)).toEqual(workflow);
    expect(chunks[2]!.text).toBe('emulated container, profile instant');
  });

  test('numbers go on where another life in the same folder ended', async () => {
    const first = await start();
    await run(simple(1));
    await run(simple(2));
    await first.close();
    await start();
    expect((await run(simple(3))).outputs['2']!.images![0]!.filename).toBe('x_00003_.png');
  });
});

describe('time', () => {
  test('the article’s request: 0.45 s before the queue, 3.5 s on the GPU, 0.45 s before the file', async () => {
    await start({ profile: loadProfile('a10g-collage') });
    const begun = clock.now();
    const id = await submit(textToImage());
    expect(clock.now() - begun).toBeGreaterThanOrEqual(450);
    const entry = await result(id);
    expect(time(entry)).toBeCloseTo(3.5, 2);
    await view(entry, '9');
    expect(clock.now() - begun).toBeCloseTo(4400, 0);
  });

  test('two requests share the GPU, not what is outside of it', async () => {
    await start({ profile: loadProfile('a10g-collage') });
    const begun = clock.now();
    const ids = await Promise.all([1, 2, 3].map((seed) => submit(textToImage({ seed }))));
    const entries = await Promise.all(ids.map(result));
    await Promise.all(entries.map((entry) => view(entry, '9')));
    expect((clock.now() - begun) / 1000).toBeCloseTo(0.45 + 3 * 3.5 + 0.45, 1);
  });

  test('a model is loaded when it is not on the GPU', async () => {
    const profile = loadProfile('h100-sdxl');
    await start({
      profile: { ...profile, seconds: { ...profile.seconds, execute: [3], first_job: [14], execute_after_other_model: [6] } },
    });
    expect(time(await run(textToImage()))).toBeCloseTo(14, 1);
    expect(time(await run(textToImage({ seed: 2 })))).toBeCloseTo(3, 1);
    expect(time(await run(textToImage({ model: usualModels.checkpoints[1]! })))).toBeCloseTo(6, 1);
    await fetch(`${url}/free`, { method: 'POST', body: '{"unload_models": true, "free_memory": true}' });
    expect(time(await run(textToImage({ model: usualModels.checkpoints[1]! })))).toBeCloseTo(14, 1);
  });

  test('a client that can take previews gets them, each before its step', async () => {
    await start({ profile: loadProfile('a10g-collage') });
    const { all, ended } = await listen('c', { type: 'feature_flags', data: { supports_preview_metadata: true } });
    await submit(textToImage(), { client_id: 'c' });
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

describe('what it says of itself', () => {
  test('/system_stats has all that a real one has, and that it is none', async () => {
    await start();
    const { system, devices } = (await (await fetch(`${url}/api/system_stats`)).json()) as {
      system: Record<string, unknown>;
      devices: object[];
    };
    expect(system).toMatchObject({ comfyui_version: '0.3.64', comfleet: { emulated: true, profile: 'instant' } });
    expect(system['argv']).toContain('--emulated');
    expect(devices).toHaveLength(1);
  });

  test('its log tells of prompts and errors', async () => {
    const server = await start();
    const lines: string[] = [];
    const stop = server.log(({ stream, text }) => lines.push(`${stream} ${text}`));
    await run(simple());
    await run({ ...simple(), 2: { ...save('1'), inputs: { images: ['1', 0], filename_prefix: '../x' } } });
    stop();
    await run(simple(9));
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      ...['stdout got prompt', 'stdout Prompt executed', 'stdout got prompt'],
      ...['stderr !!! Exception', 'stdout Prompt executed'],
    ]);
  });
});

describe('faults', () => {
  test('hang: prompts are taken and do not move, until it ends', async () => {
    const server = await start({ faults: { hang: true } });
    const id = await submit(simple());
    await new Promise((resolve) => setImmediate(resolve));
    expect(await (await fetch(`${url}/prompt`)).json()).toEqual({ exec_info: { queue_remaining: 1 } });
    server.setFaults({});
    expect((await result(id)).status.status_str).toBe('success');
  });

  test('crash: the prompt is accepted, then all connections end', async () => {
    let crashed = (): void => {};
    const told = new Promise<void>((resolve) => (crashed = resolve));
    await start({ onCrash: () => crashed() });
    const { ended } = await listen('c');
    await setFaults({ crash: true });
    await submit(simple());
    await Promise.all([told, ended]);
    await expect(fetch(`${url}/queue`)).rejects.toThrow();
  });

  test('silent socket: nothing is heard, and the prompt runs', async () => {
    await start();
    const { all } = await listen('c');
    await setFaults({ silentSocket: true });
    expect((await run(simple(), { client_id: 'c' })).status.status_str).toBe('success');
    expect(all).toHaveLength(1);
  });

  test('out of memory: the next sampler fails, the one after does not', async () => {
    await start();
    await setFaults({ outOfMemory: true });
    const { status } = await run(textToImage());
    expect(status.messages.at(-1)).toMatchObject(['execution_error', { exception_type: 'torch.OutOfMemoryError', node_type: 'KSampler' }]);
    expect((await run(textToImage())).status.status_str).toBe('success');
  });

  test('corrupt file: half of it', async () => {
    await start();
    const entry = await run(simple());
    const whole = await view(entry, '2');
    await setFaults({ corruptFile: true });
    expect(await view(entry, '2')).toEqual(whole.subarray(0, whole.length >> 1));
  });

  test('an unknown fault is refused and changes nothing', async () => {
    await start({ faults: { hang: true } });
    expect((await setFaults({ crush: true })).status).toBe(400);
    expect(await (await fetch(`${url}/emulator/faults`)).json()).toEqual({ hang: true });
  });
});

describe('the server', () => {
  test('closes while a prompt runs and requests wait', async () => {
    const server = await start({ profile: loadProfile('a10g-collage'), clock: { now: () => 0, at: () => ({ cancel: () => {} }) } });
    const waiting = submit(simple());
    const lost = expect(waiting).rejects.toThrow();
    const socket = await listen('c');
    await server.close();
    await Promise.all([lost, socket.ended]);
  });

  test('a port that is taken is an error', async () => {
    const { port } = new URL((await start()).url);
    await expect(start({ port: Number(port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('a body that ends early, or is no JSON, changes nothing', async () => {
    await start();
    expect((await fetch(`${url}/prompt`, { method: 'POST', body: '{"prompt": {' })).status).toBe(500);
    expect(await (await fetch(`${url}/queue`)).json()).toEqual({ queue_running: [], queue_pending: [] });
  });

  test('fifty of them are independent', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => start({ name: `c${i}`, folder: join(folder, String(i)) })));
    await fetch(`${all[7]!.url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: simple(), prompt_id: 'p' }) });
    url = all[7]!.url;
    await result('p');
    for (const [i, { url }] of all.entries()) {
      expect(Object.keys((await (await fetch(`${url}/history`)).json()) as object)).toEqual(i === 7 ? ['p'] : []);
    }
  });
});
