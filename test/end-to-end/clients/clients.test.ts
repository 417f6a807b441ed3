import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { colored, sampled, type Graph, type Json } from '../../support/comfy-client.ts';
import { Caller, isPng, pixels } from '../caller.ts';
import { Program, type UpOptions } from '../program.ts';
import type { Client, Library, Place } from './client.ts';
import { comfyUiClient } from './comfy-ui-client.ts';
import { example, python, simplified } from './python.ts';
import { saintno } from './saintno.ts';
import { stableCanvas } from './stable-canvas.ts';

/**
 * Clients of ComfyUI as npm and PyPI have them, against the program. By hand also against a ComfyUI (version 0.3.64, with
 * `v1-5-pruned-emaonly.safetensors`, no previews): `TEST_COMFYUI=http://127.0.0.1:8188` for the clients at that very server, and
 * `TEST_COMFYUI_BEHIND=...` for the program in front of it.
 */

const direct = process.env['TEST_COMFYUI'];
const behind = process.env['TEST_COMFYUI_BEHIND'];
const withoutGateway = direct !== undefined;
const noPython = python === undefined;
// A model on a CPU takes its time.
if (direct !== undefined || behind !== undefined) vi.setConfig({ testTimeout: 300_000 });

let program: Program | null = null;
let url: string;
let picture: Buffer;
const connected: Client[] = [];

beforeAll(async () => {
  const before: UpOptions = behind === undefined ? {} : { flags: ['--comfyui', behind] };
  const runtime = behind === undefined ? 'emulated' : 'auto';
  const profile = fileURLToPath(new URL('profile.json', import.meta.url));
  if (!withoutGateway) program = await Program.up({ config: { runtime, profile, open_graphs: true }, ...before });
  url = direct ?? program!.url;
  const background = { r: randomInt(256), g: randomInt(256), b: randomInt(256) };
  picture = await sharp({ create: { width: 24, height: 16, channels: 3, background } })
    .png()
    .toBuffer();
});
afterEach(async () => {
  for (const client of connected.splice(0)) await client.close();
});
afterAll(() => program?.remove());

async function connect(library: Library, place: Place): Promise<Client> {
  const client = await library.connect(place);
  connected.push(client);
  return client;
}

/** ComfyUI answers from its cache, and saves nothing, if it ran the very same graph before. */
const drawn = (steps: number): Graph => sampled(steps, randomInt(2 ** 40));
const loaded = (image: string): Graph => ({
  1: { class_type: 'LoadImage', inputs: { image } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: `loaded-${randomInt(2 ** 40)}` } },
});

const savedFiles = (entry: Json): Json[] => Object.values(entry.outputs).flatMap((output: Json) => output.images);

async function uploadsAndLoads(client: Client): Promise<void> {
  const name = await client.upload(picture, `uploaded-${randomInt(2 ** 40)}.png`);
  const { pictures } = await client.run(loaded(name));
  expect(await Promise.all(pictures.map(pixels))).toEqual([await pixels(picture)]);
}

async function draws(client: Client, { takesPreviews }: Library): Promise<string> {
  const { id, steps, pictures } = await client.run(takesPreviews ? drawn(3) : colored(randomInt(2 ** 24), 'sampled'));
  if (steps !== null) expect(steps).toEqual([1, 2, 3]);
  expect(pictures.map(isPng)).toEqual([true]);
  // With a client's message that something was saved it need not be over.
  await leaves(client, id);
  const entry = await client.history(id);
  expect(entry.status).toMatchObject({ status_str: 'success', completed: true });
  expect(savedFiles(entry)).toEqual([
    { filename: expect.stringMatching(/^sampled_\d{5}_\.png$/) as string, subfolder: '', type: 'output' },
  ]);
  return id;
}

async function leaves(client: Client, id: string): Promise<void> {
  while ((await client.queue()).includes(id));
}

const libraries = [stableCanvas, saintno, comfyUiClient];
const ofPython = [simplified, example];

describe.each(libraries)('$name', (library) => works(library));
describe.skipIf(noPython)(`clients in Python${noPython ? ' (skipped: TEST_PYTHON names no Python that has them)' : ''}`, () => {
  describe.each(ofPython)('$name', (library) => works(library));
});

function works(library: Library): void {
  test('a picture that is uploaded can be loaded by a graph', async () => {
    await uploadsAndLoads(await connect(library, { url }));
  });

  test('a prompt is followed to its end, and its picture fetched', async () => {
    await draws(await connect(library, { url }), library);
  });

  test('a running prompt is interrupted', async () => {
    const client = await connect(library, { url });
    const id = await client.interrupt(drawn(5_000));
    await leaves(client, id);
    const { status, outputs } = await client.history(id);
    expect(status).toMatchObject({ status_str: 'error', completed: false });
    expect(status.messages.at(-1)).toEqual(['execution_interrupted', expect.objectContaining({ prompt_id: id })]);
    expect(outputs).toEqual({});
    // The next one is not.
    await draws(client, library);
  });

  test('the nodes are told', async () => {
    const client = await connect(library, { url });
    const { input, output, output_node } = await client.nodeInfo('KSampler');
    expect(input.required.steps[0]).toBe('INT');
    expect(input.required.sampler_name[0]).toContain('euler');
    expect([output, output_node]).toEqual([['LATENT'], false]);
  });

  if (library.takesPath) {
    test.skipIf(withoutGateway)(`at a deployment${withoutGateway ? ' (skipped: TEST_COMFYUI has none)' : ''}`, async () => {
      const client = await connect(library, { url: `${url}/d/tint` });
      await uploadsAndLoads(client);
      const id = await draws(client, library);
      expect(Object.keys(await new Caller({ url }).get(`/d/tint/history/${id}`))).toEqual([id]);
      expect(await new Caller({ url }).get(`/history/${id}`)).toEqual({});
    });
  }

  if (library.takesKey) {
    test.skipIf(withoutGateway)(`with a key${withoutGateway ? ' (skipped: TEST_COMFYUI takes none)' : ''}`, async () => {
      const local = new Caller({ url });
      const { json } = await local.ask('POST', '/fleet/v1/keys', { body: { name: 'client', role: 'invoke' } });
      const id = await draws(await connect(library, { url, key: json.secret }), library);
      expect(await local.get(`/history/${id}`)).toEqual({});
    });
  }
}
