import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { adopt, kill, launch, untilGone } from './processes.ts';
import { plainGraph, samplerGraph } from './workflows.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** This machine's environment without what would configure comfleet. */
export const cleanEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('COMFLEET_') && name !== 'COMFYUI_HOME'),
);

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
  readonly profile: string | { start: number; execute: number };
  readonly workflow: 'plain' | 'sampler' | 'collage';
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
  const examples = join(root, 'examples', 'collage');
  const deployment =
    workflow === 'collage'
      ? {
          workflow: join(examples, 'workflow_api.json'),
          files: { 'background.png': join(examples, 'background.png') },
          inputs: { prompt: { target: '3.text' }, seed: { target: '9.seed', random: true } },
          outputs: ['11'],
        }
      : { workflow: file('workflow.json', workflow === 'plain' ? plainGraph(0) : samplerGraph), inputs };
  const gpus = { none: { usd_per_hour: 0 }, A10G: { usd_per_hour: 1.1 } };
  const config = file('comfleet.yaml', { capacity, gpus, deployments: { bench: { ...deployment, default: true, scaling } } });
  return ['--config', config, '--profile', named, '--runtime', 'emulated'];
}

const madeUp = ({ start, execute }: { start: number; execute: number }): object => ({
  name: 'bench',
  what: 'short times, for a bench; no statement about any GPU',
  gpu: { model: 'none', memory_gib: 24, price_per_hour_usd: 0 },
  source: 'made up',
  seconds: { start_cold: [start], execute: [execute], outside_gpu: [0], first_job: [execute] },
  steps: 20,
  concurrent_prompts: 1,
});

export interface Gateway {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process until it said that it is ready. */
  readonly startedMs: number;
  /** Process id of the supervisor that runs now. */
  supervisor(): number;
  /** Settles when the gateway is gone, for whatever reason. */
  readonly gone: Promise<void>;
  /** Ends the gateway, its supervisor and everything they run, without waiting for jobs. */
  stop(): Promise<void>;
}

export interface GatewayOptions {
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly port?: number;
  /** What starts comfleet, where it is not this clone's own executable. */
  readonly command?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts `comfleet up` and waits for its line of JSON. */
export async function startGateway({
  args,
  dataDir,
  port = 0,
  command,
  cwd = root,
  env = cleanEnvironment,
}: GatewayOptions): Promise<Gateway> {
  const begun = performance.now();
  const [program = '', ...first] = command ?? [process.execPath, join(root, 'bin', 'comfleet.js'), 'up'];
  const child = launch(program, [...first, '--json', '--port', String(port), '--data-dir', dataDir, ...args], { cwd, env });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', resolve);
    child.once('close', (code) => reject(new Error(`comfleet up ended with code ${code}: ${child.errors()}`)));
  });
  const startedMs = performance.now() - begun;
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  const place = join(dataDir, 'supervisor.json');
  const supervisor = (): number => (JSON.parse(readFileSync(place, 'utf8')) as { pid: number }).pid;
  // Servers that run anyway have none.
  const supervised = existsSync(place);
  if (supervised) adopt(supervisor());
  return {
    url,
    pid,
    startedMs,
    supervisor,
    gone,
    async stop() {
      const supervisorPid = supervised ? supervisor() : null;
      // The second request to stop does not wait for running jobs.
      kill(pid, 'SIGTERM');
      await Promise.race([gone, untilGone(pid, 0.2)]);
      kill(pid, 'SIGTERM');
      if ((await untilGone(pid, 20)) === null) kill(pid, 'SIGKILL');
      if (supervisorPid !== null && (await untilGone(supervisorPid, 5)) === null) kill(supervisorPid, 'SIGKILL');
    },
  };
}

/** Waits until so many containers of the gateway are ready. */
export async function untilReady(url: string, count: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/fleet/v1/containers`);
    const { items } = (await answer.json()) as { items: { state: string }[] };
    if (items.filter(({ state }) => state === 'ready' || state === 'busy').length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
