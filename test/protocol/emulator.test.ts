import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer } from '../../src/emulator/server.ts';
import type { EmulatedServer } from '../../src/emulator/server.ts';
import { createSystemClock } from '../../src/fleet/system-clock.ts';
import { loadTranscript, replay } from './replay.ts';
import { samePixels } from './same-pixels.ts';
import type { Observed, Replay } from './replay.ts';

const pixels = new PixelPool({ threads: 1 });
const instant = loadProfile('instant');
const slow = { ...instant, seconds: { ...instant.seconds, execute: [0.2] } };
const models = { checkpoints: ['sd15-random.safetensors', 'tiny-random.safetensors'], loras: [], vae: [] };
let folder: string;
let server: EmulatedServer;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'comfleet-emulator-'))));
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
afterAll(() => pixels.close());

async function play(name: string, profile = instant): Promise<Replay> {
  server = await startEmulatedServer({ profile, clock: createSystemClock(), name, folder, pixels, models });
  return replay(server.url, folder, loadTranscript(name));
}

const only = (sockets: Observed['sockets'], wanted: (type: string) => boolean): Observed['sockets'] =>
  Object.fromEntries(
    Object.entries(sockets).map(([conn, messages]) => [
      conn,
      messages.filter((message) => wanted((message as { type?: string }).type ?? '')),
    ]),
  );

describe('a recorded server and an emulated one say the same', () => {
  test.each(['image_success', 'cached_same_prompt', 'sampler_progress'])('%s: every message and every answer', async (name) => {
    const played = await play(name);
    expect(played.actual.sockets).toEqual(played.golden.sockets);
    expect(played.actual.http).toEqual(played.golden.http);
    if (name !== 'sampler_progress') await samePixels(played);
  });
  const noState = (type: string): boolean => type !== 'progress_state';
  const names =
    'prompt_lenient execution_error interrupt_idle batch_of_3 upload_image upload_mask other_outputs feature_flags free origin_check ' +
    'cached_partial_image two_clients partial_execution prompt_options save_image_websocket execution_error_output_node same_client_twice';
  test.each(names.split(' '))('%s', async (name) => {
    const played = await play(name);
    expect(only(played.actual.sockets, noState)).toEqual(played.golden.sockets);
    expect(played.actual.http).toEqual(played.golden.http);
    await samePixels(played);
  });

  test('models_and_lists: what the emulator has of it', async () => {
    const { actual, golden } = await play('models_and_lists');
    const has = ({ request }: { request: string }): boolean => /^GET \/(embeddings|features|models)/.test(request);
    expect(actual.http.filter(has)).toEqual(golden.http.filter(has));
  });

  test('system_stats: the same keys, and one more that tells', async () => {
    const { actual, golden } = await play('system_stats');
    const keys = ({ http }: Observed): string[][] => {
      const { system, devices } = (http[0]!.response as { json: { system: object; devices: object[] } }).json;
      return [Object.keys(system).sort(), Object.keys(devices[0]!).sort()];
    };
    const [system, device] = keys(golden);
    expect(keys(actual)).toEqual([[...system!, 'comfleet'].sort(), device]);
  });

  test('object_info_node', async () => {
    const { actual, golden } = await play('object_info_node');
    const known = golden.http.map(({ response }, index) => ({ wanted: response, given: actual.http[index]!.response }));
    for (const { wanted, given } of known) {
      const { json } = given as { json: object };
      if (Object.keys(json).length > 0) expect(given).toEqual(wanted);
    }
    expect(known.filter(({ given }) => Object.keys((given as { json: object }).json).length > 0).length).toBeGreaterThan(3);
  });

  test('prompt_invalid: every refusal', async () => {
    const { actual, golden } = await play('prompt_invalid');
    expect(actual.http).toEqual(golden.http);
  });

  test.each(['view', 'preview_image'])('%s: which of two independent outputs runs first is open', async (name) => {
    const played = await play(name);
    expect(played.actual.http).toEqual(played.golden.http);
    const sorted = ({ sockets }: Observed): string[] =>
      Object.values(sockets)
        .flat()
        .map((message) => JSON.stringify(message))
        .sort();
    const { sockets } = played.actual;
    expect(sorted({ http: [], sockets: only(sockets, noState) })).toEqual(sorted(played.golden));
    await samePixels(played);
  });

  test.each(['interrupt_running', 'queue_delete', 'socket_without_client_id'])('%s: steps aside', async (name) => {
    const played = await play(name, slow);
    const noSteps = (type: string): boolean => !type.startsWith('progress');
    expect(only(played.actual.sockets, noSteps)).toEqual(only(played.golden.sockets, noSteps));
    expect(played.actual.http).toEqual(played.golden.http);
  });
});
