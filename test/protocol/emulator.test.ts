import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer } from '../../src/emulator/server.ts';
import type { EmulatedServer, EmulatedServerOptions } from '../../src/emulator/server.ts';
import { compare, sideBySide } from './compare.ts';
import { emulator, imitations, judge } from './differences.ts';
import { replay } from './replay.ts';
import { loose } from './scenarios.ts';
import { SteppingClock } from './stepping-clock.ts';
import { loadTranscript, recordedObjectInfo, scenarioNames } from './transcript.ts';
import type { Transcript } from './transcript.ts';

const pixels = new PixelPool({ threads: 1 });
const instant = loadProfile('instant');
/** Every step of a sampler waits for the test. */
const profile = { ...instant, seconds: { ...instant.seconds, execute: [10] } };
const models = { checkpoints: ['sd15-random.safetensors', 'tiny-random.safetensors'], loras: [], vae: [] };
let folder: string;
let server: EmulatedServer | undefined;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'comfleet-emulator-'))));
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});
afterAll(() => pixels.close());

/** One scenario is of a later version, and begins with a queue and a history. */
function begun({ server: { comfyui_version }, events: [first] }: Transcript): Partial<EmulatedServerOptions> {
  if (!comfyui_version.startsWith('0.12') || first?.kind !== 'state') return {};
  const { queue_running, queue_pending, history } = first;
  const state = { running: queue_running[0], pending: queue_pending, history } as unknown as NonNullable<EmulatedServerOptions['state']>;
  return { version: '0.12.1', faults: { hang: true }, state };
}

test('known differences are of scenarios that exist', () => {
  const named = imitations.flatMap(({ differences, skipped }) => [
    ...differences.flatMap(({ scenarios }) => scenarios),
    ...Object.keys(skipped),
  ]);
  expect([...named, ...Object.keys(loose)].filter((name) => !scenarioNames.includes(name))).toEqual([]);
});

test("/object_info of the 75 recorded nodes, and of the loaders that ComfyUI's page needs", async () => {
  server = await startEmulatedServer({ profile, clock: new SteppingClock(), name: 'object_info', folder, pixels, models });
  const answer = (await (await fetch(`${server.url}/object_info`)).json()) as Record<string, unknown>;
  const recorded = recordedObjectInfo();
  const names = Object.keys(answer);
  const others = names.splice(Object.keys(recorded).length);
  expect(names).toEqual(Object.keys(recorded));
  expect(Object.fromEntries(names.map((name) => [name, answer[name]]))).toEqual(recorded);
  expect(others.every((name) => /Loader/.test(name))).toBe(true);
});

test.each(scenarioNames)('%s: a recorded server and an emulated one say the same', async (name) => {
  const transcript = loadTranscript(name);
  const clock = new SteppingClock();
  const flags = transcript.server.flags ?? [];
  server = await startEmulatedServer({ profile, clock, name, folder, pixels, models, flags, ...begun(transcript) });
  const { golden, actual } = await replay(server.url, transcript, { folder, tick: () => clock.step(), ...loose[name] });
  const { unknown, gone } = judge(emulator, name, compare(golden, actual));
  expect(unknown.length, sideBySide(unknown, 'emulator')).toBe(0);
  expect(gone, 'known differences that did not occur').toEqual([]);
});
