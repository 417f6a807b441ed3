import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import type { RunningApp } from '../../src/cli/machine.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Caller } from './caller.ts';
import { temporaryFolder, usualConfig, writeConfig } from './program.ts';

const folder = temporaryFolder();
/** Seconds of a job on the GPU and outside it. */
const [gpu, outside] = [0.3, 0.3];
const jobs = 24;
const learning = 10;
let app: RunningApp;
let caller: Caller;

beforeAll(async () => {
  const profile = join(folder.path, 'profile.json');
  writeFileSync(
    profile,
    JSON.stringify({
      name: 'half-outside',
      what: 'jobs that are as long outside the GPU as on it',
      gpu: { model: 'A10G', memory_gib: 24, price_per_hour_usd: 1.1 },
      source: 'made up',
      seconds: { start_cold: [0.05], execute: [gpu], outside_gpu: [outside], first_job: [gpu] },
      steps: 1,
      concurrent_prompts: 1,
    }),
  );
  const { draw } = usualConfig.deployments;
  const one = { min_containers: 1, max_containers: 1 };
  const deployments = {
    alone: { ...draw, scaling: { ...one, policy: 'per-input' } },
    overlap: { ...draw, default: false, scaling: { ...one, policy: 'slo' } },
  };
  const file = writeConfig(folder.path, { ...usualConfig, profile, data_dir: join(folder.path, 'data'), deployments });
  const { config } = loadConfig({ flags: { config: file }, env: {}, cwd: folder.path });
  app = await startApp(config);
  caller = new Caller({ url: app.banner.url });
});

afterAll(async () => {
  await app.drain();
  folder.remove();
});

/** Jobs per second of one container that has always something to do, the jobs left out by which it learns. */
async function rate(deployment: string): Promise<number> {
  const ids = await Promise.all(
    Array.from({ length: jobs }, async (_, n) => {
      const body = { prompt: `${n}`, seed: n };
      return (await caller.ask('POST', `/d/${deployment}/`, { body, headers: { prefer: 'respond-async' } })).json.id as string;
    }),
  );
  const ended = await Promise.all(ids.map((id) => caller.ended(id)));
  expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(['succeeded']));
  expect(new Set(ended.map(({ container }) => container)).size).toBe(1);
  const times = ended.map(({ finished_at }) => Date.parse(finished_at) / 1000).toSorted((a, b) => a - b);
  return (times.length - learning) / (times.at(-1)! - times[learning - 1]!);
}

test('one container whose next prompt waits at its GPU does nearly twice as many jobs that spend half their time elsewhere', async () => {
  // Both at once, so that whatever else the machine does slows both.
  const [alone, overlap] = await Promise.all([rate('alone'), rate('overlap')]);
  // In the ideal case (S + o) / S = 2.
  expect(overlap / alone).toBeGreaterThan(1.5);
  expect(overlap / alone).toBeLessThan(2.3);
});
