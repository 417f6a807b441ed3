import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closest } from '../config/closest.ts';
import { listProfiles, loadProfile, median, type Profile } from '../emulator/profile.ts';
import type { ClosedLoop } from '../planning/closed-loop.ts';
import type { Faults } from '../planning/faults.ts';
import type { Draw } from '../planning/random.ts';
import type { SimulationInput } from '../planning/simulator.ts';
import type { Trace } from '../planning/trace.ts';
import { parseTrace } from '../planning/trace-file.ts';
import { drawTrace, workloads, type WorkloadName } from '../planning/workloads.ts';
import { unreadable, UsageError } from './failure.ts';
import { pairs } from './verb.ts';

/** Where the jobs of a simulation come from, as the command line says it. */

const defaultProfile = 'a10g-collage';
const defaultStartSeconds = 20;

interface Given {
  readonly workload: string | undefined;
  readonly trace: string | undefined;
  readonly closedLoop: string | undefined;
  readonly seconds: string;
}

/** How long starts take, and jobs outside the GPU; the profile, where one was named or is needed. */
export function timingOf(given: { profile: string | undefined; startSeconds: string | undefined; users: boolean }): {
  profile: Profile | null;
} & Pick<SimulationInput, 'startMs' | 'outsideMs'> {
  const name = given.profile ?? (given.users ? defaultProfile : undefined);
  const profile = name === undefined ? null : loadProfile(name.endsWith('.json') ? name : known('profile', name, listProfiles()));
  const startSeconds = profile ? median(profile.seconds.start_cold) : defaultStartSeconds;
  const startMs = (given.startSeconds === undefined ? startSeconds : numberOf('--start-seconds', given.startSeconds)) * 1000;
  // Half of it passes before a prompt is in its container's queue, half after its GPU time, as in emulated containers.
  const half = Math.round(median(profile?.seconds.outside_gpu ?? [0]) * 500);
  return { profile, startMs, outsideMs: { before: half, after: half } };
}

/** The trace, or the users. */
export function sourceOf(given: Given, { profile, seed, cwd }: { profile: Profile | null; seed: number; cwd: string }): Trace | ClosedLoop {
  const { workload, trace, closedLoop, seconds } = given;
  if ([workload, trace, closedLoop].filter((source) => source !== undefined).length !== 1) {
    throw new UsageError('Give either --workload NAME or --trace FILE or --closed-loop users=10,wait=1-5');
  }
  if (trace !== undefined) return traceOf(trace, cwd);
  if (workload !== undefined) return drawTrace(known('workload', workload, Object.keys(workloads)) as WorkloadName, seed);
  return usersOf(closedLoop as string, { seconds: numberOf('--seconds', seconds), profile: profile as Profile, seed });
}

function traceOf(file: string, cwd: string): Trace {
  let text: string;
  try {
    text = readFileSync(path.resolve(cwd, file), 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseTrace(text, file);
}

/** `users=10,wait=1-5`: so many users, and their pause in seconds, drawn uniformly. */
function usersOf(text: string, { seconds, profile, seed }: { seconds: number; profile: Profile; seed: number }): ClosedLoop {
  const example = '--closed-loop users=10,wait=1-5';
  const { users, wait, ...others } = Object.fromEntries(pairs(text.split(','), example)) as Record<string, string>;
  const [, least, most = least] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(wait ?? '') ?? [];
  const count = users === undefined ? 0 : numberOf('users', users, { whole: true });
  if (Object.keys(others).length > 0 || count === 0 || least === undefined || Number(least) > Number(most)) {
    throw new UsageError(`--closed-loop ${text} says nothing that can be simulated; write e.g. ${example}`);
  }
  const { execute } = profile.seconds;
  return {
    name: `${count} users`,
    levels: [{ fromMs: 0, users: count, overMs: 0 }],
    endMs: seconds * 1000,
    pauseMs: (draw) => Math.round(draw.between(Number(least), Number(most)) * 1000),
    serviceMs: (draw) => Math.round(one(execute, draw) * 1000),
    seed,
  };
}

/** `crash=0.01,failed-starts=0.05`. */
export function faultsOf(text: string | undefined): Faults {
  const faults = { crashPerJob: 0, failedStarts: 0 };
  const names: Record<string, 'crashPerJob' | 'failedStarts'> = { crash: 'crashPerJob', 'failed-starts': 'failedStarts' };
  const example = '--faults crash=0.01,failed-starts=0.05';
  for (const [name, value] of pairs(text === undefined ? [] : text.split(','), example)) {
    const share = numberOf(`--faults ${name}`, value);
    const key = names[name];
    if (key === undefined || share >= 1) throw new UsageError(`--faults ${name}=${value} is no share below 1; write e.g. ${example}`);
    faults[key] = share;
  }
  return faults;
}

const one = (samples: readonly number[], draw: Draw): number => samples[Math.floor(draw.uniform() * samples.length)] as number;

/** A number >= 0 of the command line. Error: usage. */
export function numberOf(flag: string, text: string, { whole = false } = {}): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0 && (!whole || Number.isSafeInteger(value))) return value;
  throw new UsageError(`${flag} must be a ${whole ? 'whole ' : ''}number >= 0, got "${text}"`);
}

/** One of the names. Error: usage, with the nearest name. */
export function known(what: string, given: string, names: readonly string[]): string {
  if (names.includes(given)) return given;
  const near = closest(given, names);
  throw new UsageError(`There is no ${what} ${given}${near === null ? `; there are ${names.join(', ')}` : `; did you mean ${near}?`}`);
}
