import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closest } from '../config/closest.ts';
import { parseDuration } from '../config/duration.ts';
import { listProfiles, loadProfile, median, type Profile } from '../emulator/profile.ts';
import type { ClosedLoop } from '../planning/closed-loop.ts';
import type { Faults } from '../planning/faults.ts';
import type { Draw } from '../planning/random.ts';
import type { PlanSource } from '../planning/plan/question.ts';
import { most as limits } from '../planning/plan/limits.ts';
import type { SimulationInput } from '../planning/simulator.ts';
import type { Slo } from '../planning/summary.ts';
import type { Trace } from '../planning/trace.ts';
import { parseTrace } from '../planning/trace-file.ts';
import { closedLoopOf, cycleMs, type UniformUsers } from '../planning/uniform-users.ts';
import { drawTrace, workloads, type WorkloadName } from '../planning/workloads.ts';
import type { Workload } from '../planning/workloads/workload.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { unreadable, UsageError } from './failure.ts';
import { pairs } from './verb.ts';

/** Where the jobs of a simulation come from, as the command line says it. */

/** Of users who wait, and whose price stands where none was given. */
export const defaultProfile = 'a10g-collage';
const defaultStartSeconds = 20;
/** Seconds that no run comes near. */
const year = 366 * 86_400;
/** Jobs of a closed loop: more take minutes. */
const mostJobs = 1_000_000;

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
  const startMs =
    (given.startSeconds === undefined ? startSeconds : numberOf('--start-seconds', given.startSeconds, { most: limits.startSeconds })) *
    1000;
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
  if (source.type === 'trace') return source.trace;
  const { users, endMs } = source.users;
  const jobs = (users * endMs) / cycleMs(source.users, 0);
  if (jobs <= mostJobs) return closedLoopOf(source.users);
  throw new UsageError(
    `--closed-loop with ${users} users asks for up to ${Math.round(jobs)} jobs in ${endMs / 1000} s, more than ${mostJobs}: take fewer users or --seconds`,
  );
}

/** End of the accounts in milliseconds; null: the last arrival, after which jobs may come at no time. Error: usage, where jobs come later. */
export function horizonOf(text: string | undefined, source: Trace | Pick<ClosedLoop, 'endMs'>): number | null {
  if (text === undefined) return null;
  const seconds = numberOf('--horizon', text, { most: year });
  const lastMs = 'jobs' in source ? (source.jobs.at(-1)?.arrivalMs ?? 0) : source.endMs;
  if (seconds * 1000 >= lastMs) return seconds * 1000;
  throw new UsageError(`--horizon ${text} is too early: jobs come until ${lastMs / 1000} s; give at least that, or leave it out`);
}

/** The same as plain data. */
export function planSourceOf(given: Given, { profile, seed, cwd }: Surroundings): PlanSource {
  const { workload, trace, closedLoop, seconds } = given;
  if ([workload, trace, closedLoop].filter((source) => source !== undefined).length !== 1) {
    throw new UsageError('Give either --workload NAME or --trace FILE or --closed-loop users=10,wait=1-5');
  }
  if (closedLoop !== undefined) {
    return {
      type: 'users',
      users: usersOf(closedLoop, { seconds: numberOf('--seconds', seconds, { least: 1, most: year }), profile: profile as Profile, seed }),
    };
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

const usersExample = '--closed-loop users=10,wait=1-5';

/** `users=10,wait=1-5`: so many users, and their pause in seconds, drawn uniformly. */
function usersOf(text: string, { seconds, profile, seed }: { seconds: number; profile: Profile; seed: number }): UniformUsers {
  const given = Object.fromEntries(pairs(text.split(','), usersExample)) as Record<string, string>;
  const { users, wait, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new UsageError(`--closed-loop knows no ${unknown}, only users and wait; write e.g. ${usersExample}`);
  if (users === undefined) throw new UsageError(`--closed-loop lacks users, how many there are; write e.g. ${usersExample}`);
  if (wait === undefined)
    throw new UsageError(`--closed-loop lacks wait, the seconds from an answer to the next prompt; write e.g. ${usersExample}`);
  return {
    users: numberOf('--closed-loop users', users, { whole: true, least: 1, most: 100_000 }),
    endMs: seconds * 1000,
    pauseMs: pauseOf(wait),
    serviceMs: profile.seconds.execute.map((value) => Math.round(value * 1000)),
    seed,
  };
}

/** `1-5`, or `3` for always the same; milliseconds. */
function pauseOf(wait: string): readonly [number, number] {
  const [, least, most = least] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(wait) ?? [];
  const fail = (why: string) => new UsageError(`--closed-loop wait=${wait} is no pause: ${why}; write e.g. ${usersExample}`);
  if (least === undefined) throw fail('it is a number of seconds, or the least and the most with - between them, without units');
  if (Number(least) > Number(most)) throw fail(`${least}, the least, is more than ${most}`);
  if (Number(most) > limits.pauseSeconds) throw fail(`it is at most ${limits.pauseSeconds} seconds`);
  return [Number(least) * 1000, Number(most) * 1000];
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
  const seconds = given.loadSeconds === undefined ? null : numberOf('--load-seconds', given.loadSeconds, { most: limits.loadSeconds });
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

/** With more, a run is hardly anything but tries that fail. */
const mostFaults = 0.9;

/** `crash=0.01,failed-starts=0.05`. */
function faultsOf(text: string): Faults {
  const faults = { crashPerJob: 0, failedStarts: 0 };
  const names: Record<string, 'crashPerJob' | 'failedStarts'> = { crash: 'crashPerJob', 'failed-starts': 'failedStarts' };
  const example = '--faults crash=0.01,failed-starts=0.05';
  for (const [name, value] of pairs(text.split(','), example)) {
    const share = numberOf(`--faults ${name}`, value);
    const key = names[name];
    if (key === undefined) throw new UsageError(`--faults knows no ${name}, only crash and failed-starts; write e.g. ${example}`);
    if (share > mostFaults) throw new UsageError(`--faults ${name}=${value} is no share up to ${mostFaults}; write e.g. ${example}`);
    faults[key] = share;
  }
  return faults;
}

/** One of a profile's samples for each draw, seconds as milliseconds. */
export const drawn =
  (samples: readonly number[]) =>
  (draw: Draw): number =>
    Math.round((samples[Math.floor(draw.uniform() * samples.length)] as number) * 1000);

/** As people write numbers; not `0x10`, which JavaScript would read too. */
const decimal = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number of the command line, at least 0 if nothing else is said. Error: usage. */
export function numberOf(flag: string, text: string, { whole = false, least = 0, most = Number.MAX_SAFE_INTEGER } = {}): number {
  const value = decimal.test(text.trim()) ? Number(text) : Number.NaN;
  if (value > most) throw new UsageError(`${flag} must be at most ${most}, got "${text}"`);
  if (Number.isNaN(value) || (whole && !Number.isSafeInteger(value)))
    throw new UsageError(`${flag} must be a ${whole ? 'whole ' : ''}number >= 0, got "${text}"`);
  if (value < least) throw new UsageError(`${flag} must be at least ${least}, got "${text}"`);
  return value;
}

/** One of the names. Error: usage, with the nearest name. */
export function known(what: string, given: string, names: readonly string[]): string {
  if (names.includes(given)) return given;
  const near = closest(given, names);
  throw new UsageError(`There is no ${what} ${given}${near === null ? `; there are ${names.join(', ')}` : `; did you mean ${near}?`}`);
}
