import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatScaling } from '../config/scaling.ts';
import { loadProfile } from '../emulator/profile.ts';
import { figuresOf, type ContainerSample } from '../planning/experiment-figures.ts';
import { slots, usersOf, type Experiment, type ExperimentRun } from '../planning/experiments.ts';
import { packageRoot } from '../version.ts';
import { startGateway, type Gateway } from './child-gateway.ts';
import { pause } from './child-processes.ts';
import { RefusedError } from './failure.ts';
import { liveUsers, type LiveAnswers } from './live-users.ts';
import type { ContainerWire } from './shapes.ts';

/** Experiments in real time: a gateway of their own on emulated containers, asked over HTTP. */

export interface LiveInput {
  readonly experiment: Experiment;
  /** A profile by its name, or a file. */
  readonly profile: string;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Told now and then: time since the first user came, milliseconds. */
  readonly onProgress?: (elapsedMs: number) => void;
}

export type LiveRun = ExperimentRun & Pick<LiveAnswers, 'failures'>;

/** How often containers are counted, milliseconds. */
const countMs = 500;

/** Runs an experiment from its first user to its last answer. Errors: the gateway's own when it does not start or breaks; `RefusedError` when it was interrupted. */
export async function liveExperiment(input: LiveInput): Promise<LiveRun> {
  const folder = mkdtempSync(path.join(tmpdir(), 'comfleet-experiment-'));
  try {
    const gateway = await startGateway({ args: settingIn(folder, input), dataDir: path.join(folder, 'data') });
    try {
      return await runOn(gateway, input);
    } finally {
      await gateway.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the configuration; the arguments that use it. */
function settingIn(folder: string, { experiment, profile }: LiveInput): string[] {
  const example = path.join(packageRoot, 'examples', 'collage');
  const { gpu } = loadProfile(profile);
  const collage = {
    default: true,
    workflow: path.join(example, 'workflow_api.json'),
    files: { 'background.png': path.join(example, 'background.png') },
    inputs: { prompt: { target: '3.text' }, seed: { target: '9.seed', random: true } },
    outputs: ['11'],
    scaling: formatScaling(experiment.scaling),
  };
  const config = path.join(folder, 'comfleet.yaml');
  const gpus = { [gpu.model]: { usd_per_hour: gpu.price_per_hour_usd } };
  writeFileSync(config, JSON.stringify({ capacity: slots, gpus, deployments: { collage } }));
  return ['--config', config, '--profile', profile, '--runtime', 'emulated'];
}

async function runOn(gateway: Gateway, { experiment, profile, seed, signal, onProgress }: LiveInput): Promise<LiveRun> {
  const { minContainers } = experiment.scaling;
  while ((await countContainers(gateway)).idle < minContainers && !signal.aborted) await pause(countMs);
  const begun = performance.now();
  const now = (): number => performance.now() - begun;
  const ended = new AbortController();
  void gateway.gone.then(() => ended.abort());
  const containers: ContainerSample[] = [];
  const counting = (async () => {
    while (!ended.signal.aborted) {
      const counts = await countContainers(gateway).catch(() => null);
      if (counts) containers.push({ atMs: now(), ...counts });
      onProgress?.(now());
      await pause(countMs);
    }
  })();
  // Containers have service times of their own, those of the profile.
  const loop = usersOf(experiment, { fromMs: 0, seed, serviceMs: () => 0 });
  const { answers, failures } = await liveUsers({ loop, now, ask: () => ask(gateway), signal: AbortSignal.any([signal, ended.signal]) });
  const broke = ended.signal.aborted;
  ended.abort();
  await counting;
  if (broke || signal.aborted)
    throw new RefusedError({ detail: `${experiment.name} was ${broke ? 'cut off: its gateway ended' : 'interrupted'}.` });
  const observation = {
    answers,
    containers,
    peakContainers: Math.max(...containers.map(({ starting, busy, idle }) => starting + busy + idle)),
  };
  return { experiment, observation, figures: figuresOf(observation, experiment, loadProfile(profile).gpu.price_per_hour_usd), failures };
}

async function countContainers({ url }: Gateway): Promise<Omit<ContainerSample, 'atMs'>> {
  const answer = await fetch(`${url}/fleet/v1/containers?limit=1000`);
  const { items } = (await answer.json()) as { items: ContainerWire[] };
  const among = (...states: string[]): number => items.filter(({ state }) => states.includes(state)).length;
  return { starting: among('starting'), busy: among('busy', 'draining'), idle: among('ready') };
}

/** One prompt, and its picture. */
async function ask({ url }: Gateway): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: '{"prompt": "a regal phoenix"}' });
  const content = await answer.arrayBuffer();
  if (answer.status !== 200 || !answer.headers.get('content-type')?.startsWith('image/'))
    throw new Error(`status ${answer.status}: ${new TextDecoder().decode(content).slice(0, 200)}`);
}
