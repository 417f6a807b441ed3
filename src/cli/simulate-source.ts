import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closest } from '../config/closest.ts';
import { parseDuration } from '../config/duration.ts';
import { listProfiles, loadProfile, median, type Profile } from '../emulator/profile.ts';
import type { ClosedLoop } from '../planning/closed-loop.ts';
import type { Faults } from '../planning/faults.ts';
import type { Draw } from '../planning/random.ts';
import type { PlanSource } from '../planning/plan/question.ts';
import type { SimulationInput } from '../planning/simulator.ts';
import type { Slo } from '../planning/summary.ts';
import type { Trace } from '../planning/trace.ts';
import { parseTrace } from '../planning/trace-file.ts';
import { closedLoopOf, type UniformUsers } from '../planning/uniform-users.ts';
import { drawTrace, workloads, type WorkloadName } from '../planning/workloads.ts';
import type { Workload } from '../planning/workloads/workload.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { unreadable, UsageError } from './failure.ts';
import { pairs } from './verb.ts';

/** Where the jobs of a simulation come from, as the command line says it. */

/** Of users who wait, and whose price stands where none was given. */
export const defaultProfile = 'a10g-collage';
const defaultStartSeconds = 20;

/** What the command line says of it. */
export interface Given {
  readonly workload: string | undefined;
  readonly trace: string | undefined;
  readonly closedLoop: string | undefined;
  readonly seconds: string;
  readonly profile: string | undefined;
  readonly startSeconds: string | undefined;
}

export function givenOf(options: Readonly<Record<string, unknown>>): Given {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  return {
    workload: text('workload'),
    trace: text('trace'),
    closedLoop: text('closedLoop'),
    seconds: text('seconds') ?? '',
    profile: text('profile'),
    startSeconds: text('startSeconds'),
  };
}

/** How long starts take, and jobs outside the GPU; the profile, where one was named or is needed. */
export function timingOf(given: Given): { profile: Profile | null } & Required<Pick<SimulationInput, 'startMs' | 'outsideMs'>> {
  const name = given.profile ?? (given.closedLoop === undefined ? undefined : defaultProfile);
  const profile = name === undefined ? null : loadProfile(name.endsWith('.json') ? name : known('profile', name, listProfiles()));
  const startSeconds = profile ? median(profile.seconds.start_cold) : defaultStartSeconds;
  const startMs = (given.startSeconds === undefined ? startSeconds : numberOf('--start-seconds', given.startSeconds)) * 1000;
  // Half of it passes before a prompt is in its container's queue, half after its GPU time, as in emulated containers.
  const half = Math.round(median(profile?.seconds.outside_gpu ?? [0]) * 500);
  return { profile, startMs, outsideMs: { before: half, after: half } };
}

interface Surroundings {
  readonly profile: Profile | null;
  readonly seed: number;
  readonly cwd: string;
}

/** The trace, or the users. */
export function sourceOf(given: Given, surroundings: Surroundings): Trace | ClosedLoop {
  const source = planSourceOf(given, surroundings);
  return source.type === 'trace' ? source.trace : closedLoopOf(source.users);
}

/** The same as plain data. */
export function planSourceOf(given: Given, { profile, seed, cwd }: Surroundings): PlanSource {
  const { workload, trace, closedLoop, seconds } = given;
  if ([workload, trace, closedLoop].filter((source) => source !== undefined).length !== 1) {
    throw new UsageError('Give either --workload NAME or --trace FILE or --closed-loop users=10,wait=1-5');
  }
  if (closedLoop !== undefined) {
    return { type: 'users', users: usersOf(closedLoop, { seconds: numberOf('--seconds', seconds), profile: profile as Profile, seed }) };
  }
  const drawn = () => drawTrace(known('workload', workload as string, Object.keys(workloads)) as WorkloadName, seed);
  return { type: 'trace', trace: trace === undefined ? drawn() : traceOf(trace, cwd) };
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
function usersOf(text: string, { seconds, profile, seed }: { seconds: number; profile: Profile; seed: number }): UniformUsers {
  const example = '--closed-loop users=10,wait=1-5';
  const { users, wait, ...others } = Object.fromEntries(pairs(text.split(','), example)) as Record<string, string>;
  const [, least, most = least] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(wait ?? '') ?? [];
  const count = users === undefined ? 0 : numberOf('users', users, { whole: true });
  if (Object.keys(others).length > 0 || count === 0 || least === undefined || Number(least) > Number(most)) {
    throw new UsageError(`--closed-loop ${text} says nothing that can be simulated; write e.g. ${example}`);
  }
  return {
    users: count,
    endMs: seconds * 1000,
    pauseMs: [Number(least) * 1000, Number(most) * 1000],
    serviceMs: profile.seconds.execute.map((value) => Math.round(value * 1000)),
    seed,
  };
}

/** What goes wrong, and how long models take to load: as given, else as the workload says. */
export function worldOf(given: {
  workload: string | undefined;
  faults: string | undefined;
  loadSeconds: string | undefined;
}): Pick<SimulationInput, 'faults' | 'loadMs'> {
  const workload: Partial<Workload> = given.workload === undefined ? {} : workloads[given.workload as WorkloadName];
  const faults = given.faults === undefined ? workload.faults : faultsOf(given.faults);
  const { modelLoadSeconds = () => 0 } = workload;
  const seconds = given.loadSeconds === undefined ? null : numberOf('--load-seconds', given.loadSeconds);
  return { ...(faults && { faults }), loadMs: (draw) => 1000 * (seconds ?? modelLoadSeconds(draw)) };
}

/** `p95=6s`: the share, and the latency. */
export function sloOf(text: string): Slo {
  const [, percent, latency] = /^p(\d{2}(?:\.\d+)?)=(.+)$/.exec(text.trim()) ?? [];
  const p = Number(percent) / 100;
  const latencyMs = latency === undefined ? null : parseDuration(latency);
  if (latencyMs !== null && latencyMs > 0 && p >= 0.5 && p <= 0.999) return { p, latencyMs, windowMs: defaultScaling.slo.windowMs };
  throw new UsageError(`--slo ${text} is no latency target; write e.g. --slo p95=6s (p50 to p99.9)`);
}

/** `crash=0.01,failed-starts=0.05`. */
function faultsOf(text: string): Faults {
  const faults = { crashPerJob: 0, failedStarts: 0 };
  const names: Record<string, 'crashPerJob' | 'failedStarts'> = { crash: 'crashPerJob', 'failed-starts': 'failedStarts' };
  const example = '--faults crash=0.01,failed-starts=0.05';
  for (const [name, value] of pairs(text.split(','), example)) {
    const share = numberOf(`--faults ${name}`, value);
    const key = names[name];
    if (key === undefined || share >= 1) throw new UsageError(`--faults ${name}=${value} is no share below 1; write e.g. ${example}`);
    faults[key] = share;
  }
  return faults;
}

/** One of a profile's samples for each draw, seconds as milliseconds. */
export const drawn =
  (samples: readonly number[]) =>
  (draw: Draw): number =>
    Math.round((samples[Math.floor(draw.uniform() * samples.length)] as number) * 1000);

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
