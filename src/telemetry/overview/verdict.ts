import type { ErrorCode } from '../../errors.ts';
import type { Severity, Verdict, VerdictCode } from './document.ts';
import { count, percent, seconds, usd } from './names.ts';

/** What the verdict is made from. Durations are seconds. */
export interface Facts {
  readonly asOf: number;
  /** `Production`, or `The fleet` with several environments. */
  readonly subject: string;
  readonly runtime: { readonly name: string; readonly ready: boolean; readonly note: string | null };
  /** Why the last write failed; null when it did not. */
  readonly storeTrouble: string | null;
  readonly promise: { readonly p: number | null; readonly latency: number | null; readonly jobs: number; readonly late: number };
  /** Deployments that miss their own promise. */
  readonly missedBy: readonly string[];
  /** Mean parts of the late jobs; null without one. */
  readonly lateParts: { readonly queue: number; readonly cold: number; readonly run: number; readonly store: number } | null;
  /** Of the last two minutes. */
  readonly recent: { readonly finished: number; readonly failed: number; readonly topError: ErrorCode | null };
  readonly failed: number;
  /** Median of the time on containers; null without jobs. */
  readonly run: number | null;
  readonly queued: number;
  readonly running: number;
  readonly oldestWait: number | null;
  /** Where jobs wait though a container of their deployment is idle. */
  readonly stalled: string | null;
  readonly held: readonly { readonly deployment: string; readonly by: string; readonly queued: number; readonly max: number | null }[];
  readonly alive: number;
  readonly starting: number;
  readonly capacity: number;
  /** Starts that failed in the last two minutes, after the last one that went well. */
  readonly failedStarts: number;
  readonly startFailure: string | null;
  /** Starts that ended well in the window, and their mean. */
  readonly starts: number;
  readonly meanStart: number | null;
  readonly coldJobs: number;
  readonly usdPerMinute: number | null;
}

type Finding = Omit<Verdict, 'as_of' | 'ruled_out'>;

/** A wait that a dispatcher explains by itself. */
const stallAfter = 3;
/** Failures beyond both of these are not bad luck. */
const failedShare = 0.05;
const failedJobs = 2;

/** The verdict: the first finding, worst and earliest cause first, with what it is not. Pure. */
export function verdictOf(facts: Facts): Verdict {
  for (const rule of rules) {
    const finding = rule(facts);
    if (finding) return { ...finding, ruled_out: ruledOut(facts, finding.code), as_of: facts.asOf };
  }
  return { ...healthy(facts), ruled_out: ruledOut(facts, 'flow/healthy'), as_of: facts.asOf };
}

const rules: readonly ((facts: Facts) => Finding | null)[] = [
  storeFailed,
  notReady,
  startFailures,
  failuresUp,
  dispatchStall,
  heldBack,
  waitsForStart,
  promiseMissed,
  idle,
];

function storeFailed({ storeTrouble }: Facts): Finding | null {
  if (storeTrouble === null) return null;
  const sentence = 'The disk of the data folder does not take writes, so jobs are refused: free space on it.';
  return finding('flow/store_failed', 'bad', sentence, [storeTrouble]);
}

function notReady({ runtime }: Facts): Finding | null {
  if (runtime.ready) return null;
  return finding('flow/not_ready', 'warn', `The runtime ${runtime.name} is not ready yet, so jobs wait.`, [runtime.note]);
}

function startFailures(facts: Facts): Finding | null {
  if (facts.failedStarts === 0 || (facts.queued === 0 && facts.failedStarts < 3)) return null;
  const waits = facts.queued > 0 ? `, and ${count(facts.queued, 'job waits', 'jobs wait')}` : '';
  const sentence = `Containers do not start: ${count(facts.failedStarts, 'start')} failed in the last 2 min${waits}.`;
  return finding('flow/start_failures', 'bad', sentence, [facts.startFailure, 'The pause between tries grows until one goes well.']);
}

function failuresUp({ recent }: Facts): Finding | null {
  if (recent.failed < failedJobs || recent.failed / recent.finished < failedShare) return null;
  const memory = recent.topError === 'out_of_memory';
  const sentence = `${percent(recent.failed / recent.finished)} of jobs failed in the last 2 min: ${recent.failed} of ${recent.finished}.`;
  return finding(memory ? 'exec/out_of_memory' : 'exec/failures_up', 'bad', sentence, [
    recent.topError && `Most often: ${recent.topError}${memory ? ', the GPU ran out of memory' : ''}.`,
  ]);
}

function dispatchStall(facts: Facts): Finding | null {
  if (facts.stalled === null || (facts.oldestWait ?? 0) < stallAfter) return null;
  const sentence = `${count(facts.queued, 'job waits', 'jobs wait')} though a container of ${facts.stalled} is free.`;
  return finding('flow/dispatch_stall', 'bad', sentence, [`The oldest has waited ${seconds(facts.oldestWait ?? 0)}.`]);
}

const limits: Readonly<Record<string, { code: VerdictCode; words: (max: number | null) => string }>> = {
  max_containers: { code: 'flow/at_max_containers', words: (max) => (max === null ? 'max_containers' : `max_containers = ${max}`) },
  budget: { code: 'flow/over_budget', words: () => 'its hard budget' },
  gpu_limit: { code: 'flow/gpu_quota', words: () => "the workspace's GPU limit" },
  capacity: { code: 'flow/no_capacity', words: () => 'the slots of this machine: all are taken' },
  start_failures: { code: 'flow/start_failures', words: () => 'the pause after failed starts' },
};

function heldBack(facts: Facts): Finding | null {
  const held = facts.held.find((row) => row.queued > 0);
  const limit = held && limits[held.by];
  if (!held || !limit) return null;
  const sentence = `${held.deployment}: ${count(held.queued, 'job waits', 'jobs wait')}, held back by ${limit.words(held.max)}.`;
  return finding(limit.code, keeps(facts) ? 'warn' : 'bad', sentence, [
    facts.oldestWait === null ? null : `The oldest has waited ${seconds(facts.oldestWait)}.`,
    promiseSentence(facts),
  ]);
}

function waitsForStart(facts: Facts): Finding | null {
  if (facts.queued === 0 || facts.starting === 0) return null;
  const those = count(facts.starting, 'container that is starting', 'containers that are starting');
  const sentence = `${count(facts.queued, 'job waits', 'jobs wait')} for ${those}.`;
  return finding('flow/cold_start_wave', 'warn', sentence, [
    facts.oldestWait === null ? null : `The oldest has waited ${seconds(facts.oldestWait)}.`,
    facts.meanStart === null ? null : `A start took ${seconds(facts.meanStart)} on average in the last 10 min.`,
    promiseSentence(facts),
  ]);
}

/** The promise is missed though nothing is held back now: the largest part of the late jobs' time names the cause. */
function promiseMissed(facts: Facts): Finding | null {
  if (keeps(facts) || facts.lateParts === null) return null;
  const { promise, lateParts: parts } = facts;
  const within = promise.latency === null ? 'in time' : `within ${seconds(promise.latency)}`;
  const sentence = `${facts.missedBy.join(', ')} ${facts.missedBy.length === 1 ? 'misses its' : 'miss their'} promise: ${percent(
    (promise.jobs - promise.late) / promise.jobs,
  )} of ${count(promise.jobs, 'job')} came ${within}.`;
  const largest = Math.max(parts.queue, parts.cold, parts.run + parts.store);
  if (largest === parts.cold) {
    return finding('flow/cold_start_wave', 'warn', sentence, [
      `The late ones waited ${seconds(parts.cold)} on average for a container to start.`,
      facts.starts > 0 && facts.meanStart !== null ? `${count(facts.starts, 'start')} took ${seconds(facts.meanStart)} on average.` : null,
    ]);
  }
  if (largest === parts.queue) {
    return finding('flow/arrival_surge', 'warn', sentence, [
      `The late ones waited ${seconds(parts.queue)} on average for a free container.`,
    ]);
  }
  return finding('exec/slower_than_promised', 'bad', sentence, [
    `The late ones took ${seconds(parts.run + parts.store)} on the container alone${promise.latency === null ? '' : `; promised are ${seconds(promise.latency)} in all`}.`,
  ]);
}

function idle(facts: Facts): Finding | null {
  if (facts.promise.jobs > 0 || facts.failed > 0 || facts.queued > 0 || facts.running > 0) return null;
  const cost = costWords(facts);
  const containers = facts.alive === 0 ? 'no container is running' : `${count(facts.alive, 'container is', 'containers are')} running`;
  return finding('flow/idle', 'good', `Nothing to do: no job came in the last 10 min, and ${containers}${cost}.`, [
    'The next job starts a container if none is ready.',
  ]);
}

function healthy(facts: Facts): Finding {
  const { promise } = facts;
  const cost = costWords(facts);
  if (promise.jobs === 0) {
    const busy = facts.running > 0 ? count(facts.running, 'job runs', 'jobs run') : count(facts.queued, 'job waits', 'jobs wait');
    return finding('flow/healthy', 'good', `${facts.subject} works: ${busy}${cost}.`, []);
  }
  const within = promise.latency === null ? 'in time' : `within ${seconds(promise.latency)}`;
  const share = percent((promise.jobs - promise.late) / promise.jobs);
  const jobs = count(promise.jobs, 'job');
  return finding('flow/healthy', 'good', `${facts.subject} keeps its promise: ${share} of ${jobs} came ${within}${cost}.`, [
    facts.starts > 0 && facts.meanStart !== null
      ? `${count(facts.starts, 'container')} started in ${seconds(facts.meanStart)} on average; ${count(facts.coldJobs, 'job')} waited for a start.`
      : null,
  ]);
}

/** What the figures exclude, so that nobody looks there. */
function ruledOut(facts: Facts, code: VerdictCode): string[] {
  const said: string[] = [];
  const free = facts.capacity - facts.alive;
  if (facts.held.every((row) => row.queued === 0)) {
    said.push(
      free > 0
        ? `Nothing is held back: ${free} of ${count(facts.capacity, 'slot')} ${free === 1 ? 'is' : 'are'} free.`
        : 'Nothing is held back.',
    );
  }
  const finished = facts.promise.jobs + facts.failed;
  if (facts.failed === 0 && finished > 0) said.push('No job failed.');
  if (code !== 'exec/slower_than_promised' && facts.run !== null) said.push(`ComfyUI takes ${seconds(facts.run)} a job.`);
  if (code.startsWith('flow/at_max') && facts.starting === 0) said.push('Not cold starts: no container is starting.');
  return said;
}

const keeps = (facts: Facts): boolean => facts.missedBy.length === 0;

function promiseSentence(facts: Facts): string | null {
  const { promise } = facts;
  if (promise.jobs === 0) return null;
  const within = promise.latency === null ? 'in time' : `within ${seconds(promise.latency)}`;
  return `In the last 10 min ${percent((promise.jobs - promise.late) / promise.jobs)} of ${count(promise.jobs, 'job')} came ${within}.`;
}

const costWords = ({ usdPerMinute }: Facts): string => (usdPerMinute === null ? '' : `, for ${usd(usdPerMinute)} a minute`);

const finding = (
  code: VerdictCode,
  severity: Severity,
  sentence: string,
  evidence: readonly (string | null | false | undefined)[],
): Finding => ({
  code,
  severity,
  sentence,
  evidence: evidence.filter((line): line is string => typeof line === 'string' && line !== ''),
});
