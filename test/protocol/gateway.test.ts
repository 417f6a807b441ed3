import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { compare, sideBySide } from './compare.ts';
import { gateway as asGateway, judge } from './differences.ts';
import { notReplayed, oneContainer } from './fleet-differences.ts';
import { startGateway, type Gateway } from './gateway-world.ts';
import { replay } from './replay.ts';
import { loose } from './scenarios.ts';
import { SteppingClock } from './stepping-clock.ts';
import { loadTranscript, scenarioNames } from './transcript.ts';

/** Recorded scenarios of a real ComfyUI, sent to the whole gateway with emulated containers behind it. */

const pixels = new PixelPool({ threads: 1 });
const instant = loadProfile('instant');
/** Every step of a sampler waits for the test. */
const profile = { ...instant, seconds: { ...instant.seconds, execute: [10] } };
const models = { checkpoints: ['sd15-random.safetensors', 'tiny-random.safetensors'], loras: [], vae: [] };
let folder: string;
let gateway: Gateway;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'comfleet-gateway-'))));
afterEach(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});
afterAll(() => pixels.close());

const names = scenarioNames.filter((name) => !Object.hasOwn(notReplayed, name));

test.each(names)('%s: a recorded server and the gateway say the same', async (name) => {
  const transcript = loadTranscript(name);
  const clock = new SteppingClock();
  const flags = transcript.server.flags ?? [];
  gateway = await startGateway({ pixels, profile, clock, folder, models, flags, containers: oneContainer.has(name) ? 1 : 3 });
  const { golden, actual } = await replay(gateway.url, transcript, { folder, tick: () => clock.step(), anyStatus: true, ...loose[name] });
  const { unknown, gone } = judge(asGateway, name, compare(golden, actual));
  expect(unknown.length, sideBySide(unknown, 'gateway')).toBe(0);
  expect(gone, 'known differences that did not occur').toEqual([]);
});
