import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { liveExperiment, type LiveRun } from '../../src/cli/live-experiment.ts';
import type { Answer } from '../../src/planning/experiment-figures.ts';
import { experiments, simulateExperiment, type Experiment } from '../../src/planning/experiments.ts';
import { openCli } from '../support/cli.ts';
import { temporaryFolder } from './program.ts';

/** `comfleet experiment options --live`, with short times. */

const seed = 11;
const [start, execute, outside] = [0.3, 0.2, 0.1];
const quick = {
  name: 'quick',
  what: 'short times, for a test; no statement about any GPU',
  gpu: { model: 'none', memory_gib: 24, price_per_hour_usd: 3.6 },
  source: 'made up',
  seconds: { start_cold: [start], execute: [execute], outside_gpu: [outside], first_job: [execute] },
  steps: 1,
  concurrent_prompts: 1,
};

/** Option 3 in small: two containers kept ready, four users and then six. */
const experiment: Experiment = {
  ...experiments.find(({ name }) => name === 'option-3')!,
  levels: [
    { fromMs: 0, users: 4, overMs: 0 },
    { fromMs: 4_000, users: 6, overMs: 500 },
  ],
  endMs: 9_000,
  settleMs: 1_000,
};
const small = { ...experiment, scaling: { ...experiment.scaling, minContainers: 2 } };

const folder = temporaryFolder();
let run: LiveRun;
const progress: number[] = [];

beforeAll(async () => {
  const profile = join(folder.path, 'quick.json');
  writeFileSync(profile, JSON.stringify(quick));
  const { signal } = new AbortController();
  run = await liveExperiment({ experiment: small, profile, seed, signal, onProgress: (ms) => void progress.push(ms) });
});
afterAll(() => folder.remove());

const of = (answers: readonly Answer[], user: string): Answer[] => answers.filter((answer) => answer.user === user);

test('every user is answered with a picture, again and again', () => {
  expect(run.failures).toEqual({});
  const users = Array.from({ length: 6 }, (_, n) => `user-${n + 1}`);
  expect([...new Set(run.observation.answers.map(({ user }) => user))].toSorted()).toEqual(users);
  expect(Math.min(...run.observation.answers.map(({ ms }) => ms))).toBeGreaterThanOrEqual((execute + outside) * 1_000);
  expect(progress.length).toBeGreaterThan(0);
});

test('users pause as simulated ones of the same seed do', () => {
  const timing = { startMs: start * 1_000, outsideMs: { before: 50, after: 50 }, serviceMs: () => execute * 1_000, usdPerHour: 3.6 };
  const simulated = simulateExperiment(small, timing, seed).observation;
  const pauses = (answers: readonly Answer[]) => answers.slice(1).map(({ askedMs }, n) => askedMs - answers[n]!.askedMs - answers[n]!.ms);
  const [expected, seen] = [pauses(of(simulated.answers, 'user-1')), pauses(of(run.observation.answers, 'user-1'))];
  expect(seen.length).toBeGreaterThan(0);
  // A busy machine lets a timer ring later than it was set to, never earlier.
  seen.forEach((pause, n) => expect(pause).toBeGreaterThan(expected[n]! - 5));
});

test('figures have the names and the sense of the simulated ones', () => {
  const { figures, observation } = run;
  expect(Object.keys(figures)).toEqual([
    'median_s',
    'p95_s',
    'first_answer_s',
    'peak_containers',
    'held_containers',
    'usd_per_min',
    'recovery_s',
  ]);
  // Two are there before the first user, and there is never more than one for each user.
  expect(observation.containers[0]!.idle + observation.containers[0]!.busy).toBeGreaterThanOrEqual(2);
  expect(figures.peak_containers).toBeLessThanOrEqual(6);
  expect(figures.median_s).toBeGreaterThanOrEqual(execute + outside);
  expect(figures.usd_per_min).toBeGreaterThanOrEqual((2 * 3.6) / 60);
  expect(figures.recovery_s).not.toBeNull();
});

test('Ctrl-C ends an experiment and what it started', async () => {
  const cli = await openCli();
  const signals = (listener: () => void) => {
    listener();
    return () => undefined;
  };
  const { code, out, err } = await cli.comfleet(['experiment', 'options', '--live', '--only', 'option-2'], { machine: { signals } });
  await cli.close();
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('option-2 was interrupted');
});
