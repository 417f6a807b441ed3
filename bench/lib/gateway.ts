import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainGraph, samplerGraph } from './workflows.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const folders: string[] = [];
process.once('exit', () => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A folder that is removed when the benches end, so that no bench runs while the disk still works on the removal of another's files. */
export function temporaryFolder(parent: string = tmpdir()): string {
  const path = mkdtempSync(join(parent, 'comfleet-bench-'));
  folders.push(path);
  return path;
}

export interface Setting {
  readonly folder: string;
  /** Name of a profile, or seconds of a made-up one. */
  readonly profile: string | { start: number; execute: number; outside?: number };
  readonly workflow: 'plain' | 'sampler';
  readonly capacity: number;
  readonly scaling: Readonly<Record<string, unknown>>;
}

/** Writes configuration, workflow and profile into the folder; the arguments of `comfleet` that use them. */
export function writeSetting({ folder, profile, workflow, capacity, scaling }: Setting): string[] {
  const file = (name: string, content: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const named = typeof profile === 'string' ? profile : file('profile.json', madeUp(profile));
  const inputs =
    workflow === 'plain' ? { color: { target: '1.color' } } : { prompt: { target: '2.text' }, seed: { target: '5.seed', random: true } };
  const deployment = { workflow: file('workflow.json', workflow === 'plain' ? plainGraph(0) : samplerGraph), inputs };
  const gpus = { none: { usd_per_hour: 0 } };
  const config = file('comfleet.yaml', { capacity, gpus, deployments: { bench: { ...deployment, default: true, scaling } } });
  return ['--config', config, '--profile', named, '--runtime', 'emulated'];
}

const madeUp = ({ start, execute, outside = 0 }: { start: number; execute: number; outside?: number }): object => ({
  name: 'bench',
  what: 'short times, for a bench; no statement about any GPU',
  gpu: { model: 'none', memory_gib: 24, price_per_hour_usd: 0 },
  source: 'made up',
  seconds: { start_cold: [start], execute: [execute], outside_gpu: [outside], first_job: [execute] },
  steps: 20,
  concurrent_prompts: 1,
});

/** Waits until so many containers of the gateway are ready. */
export async function untilReady(url: string, count: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/fleet/v1/containers`);
    const { items } = (await answer.json()) as { items: { state: string }[] };
    if (items.filter(({ state }) => state === 'ready' || state === 'busy').length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
