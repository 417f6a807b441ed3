import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startGateway, type Gateway } from '../src/cli/child-gateway.ts';
import { temporaryFolder, untilReady, writeSetting } from './lib/gateway.ts';
import { kill, pause, untilGone } from '../src/cli/child-processes.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const clients = 12;
const clientPauseMs = 800;
/** Jobs still to end when the load is over must have ended after so long. */
const settleMs = 60_000;
const finals = new Set(['succeeded', 'failed', 'canceled', 'expired']);

interface Acknowledged {
  readonly ids: Set<string>;
  /** Requests that got no 202, which is what a dead gateway answers. */
  refused: number;
  stop(): Promise<void>;
}

/** Clients that go on submitting, whatever happens to the gateway, and keep the ids of the jobs that were acknowledged. */
function submitForEver(url: string): Acknowledged {
  const end = new AbortController();
  const seen = { ids: new Set<string>(), refused: 0 };
  const client = async (): Promise<void> => {
    while (!end.signal.aborted) {
      try {
        const headers = { 'content-type': 'application/json', prefer: 'respond-async' };
        const answer = await fetch(url, { method: 'POST', headers, body: '{"prompt":"a regal phoenix"}' });
        const { id } = (await answer.json()) as { id: string };
        if (answer.status === 202) seen.ids.add(id);
        else seen.refused++;
      } catch {
        // Nobody listens, or the answer was cut off: not acknowledged.
        seen.refused++;
      }
      await pause(clientPauseMs * (0.5 + Math.random()));
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return Object.assign(seen, {
    stop: async () => {
      end.abort();
      await running;
    },
  });
}

interface Verdict {
  readonly states: Record<string, number>;
  readonly lost: number;
  readonly finalEventsNotOne: number;
  readonly outputsNotOne: number;
  readonly attempts: number;
  readonly errors: Record<string, number>;
}

interface WireJob {
  readonly state: string;
  readonly attempts: number;
  readonly outputs: readonly unknown[];
  readonly error?: { code: string; message: string } | null;
}

async function judge(url: string, ids: ReadonlySet<string>): Promise<Verdict> {
  const states: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const verdict = { states, errors, lost: 0, finalEventsNotOne: 0, outputsNotOne: 0, attempts: 0 };
  const deadline = performance.now() + settleMs;
  for (const id of ids) {
    let job = await jobOf(url, id);
    while (job && !finals.has(job.state) && performance.now() < deadline) {
      await pause(100);
      job = await jobOf(url, id);
    }
    if (!job) {
      verdict.lost++;
      continue;
    }
    states[job.state] = (states[job.state] ?? 0) + 1;
    verdict.attempts += job.attempts;
    if (job.error) errors[job.error.code] = (errors[job.error.code] ?? 0) + 1;
    if (!finals.has(job.state)) continue;
    const events = await (await fetch(`${url}/fleet/v1/jobs/${id}/events`)).text();
    const ends = [...events.matchAll(/^event: (\w+)$/gm)].filter(([, type]) => finals.has(type ?? ''));
    if (ends.length !== 1) verdict.finalEventsNotOne++;
    if (job.state === 'succeeded' && job.outputs.length !== 1) verdict.outputsNotOne++;
  }
  return verdict;
}

async function jobOf(url: string, id: string): Promise<WireJob | null> {
  const answer = await fetch(`${url}/fleet/v1/jobs/${id}`);
  const body = (await answer.json()) as WireJob;
  return answer.ok ? body : null;
}

/** Processes that name the folder in their command line: the gateway, its supervisor, and what those run. */
function processesOf(folder: string): number[] {
  return execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder) && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

interface Phase {
  readonly victims: 'gateway' | 'supervisor' | 'both';
  readonly kills: number;
  /** Between a kill and the next one, ms, at random. */
  readonly betweenMs: readonly [number, number];
}

/** A lost supervisor takes its containers with it, and a job that loses three of them fails, rightly: so there is time between those. */
const phases: readonly Phase[] = [
  { victims: 'gateway', kills: 20, betweenMs: [200, 2_000] },
  { victims: 'supervisor', kills: 5, betweenMs: [3_000, 5_000] },
  { victims: 'both', kills: 5, betweenMs: [3_000, 5_000] },
];

interface Running {
  gateway: Gateway;
  /** From a restart of the gateway to its ready line, ms. */
  readonly back: number[];
  restart(): Promise<Gateway>;
}

async function runPhase(running: Running, { victims, kills, betweenMs: [least, most] }: Phase): Promise<Figure> {
  const { url } = running.gateway;
  const jobs = submitForEver(url);
  for (let n = 0; n < kills; n++) {
    await pause(least + Math.random() * (most - least));
    const { gateway } = running;
    const pids = [...(victims === 'supervisor' ? [] : [gateway.pid]), ...(victims === 'gateway' ? [] : [gateway.supervisor()])];
    for (const pid of pids) kill(pid, 'SIGKILL');
    for (const pid of pids) await untilGone(pid, 10);
    if (victims === 'supervisor') continue;
    running.gateway = await running.restart();
    running.back.push(running.gateway.startedMs);
  }
  await pause(1_000);
  await jobs.stop();
  const verdict = await judge(url, jobs.ids);
  const { states, lost, finalEventsNotOne, outputsNotOne, attempts, errors } = verdict;
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const reasons = list(errors);
  return {
    what: `${kills} x kill -9 of ${victims === 'both' ? 'gateway and supervisor' : `the ${victims}`} under load`,
    value: `${jobs.ids.size} jobs acknowledged: ${list(states)}${reasons === '' ? '' : ` (${reasons})`}; ${lost} lost, ${finalEventsNotOne} without exactly one final event, ${outputsNotOne} without exactly one result`,
    reference: `${attempts} attempts for them; ${jobs.refused} requests met no gateway`,
    target: 'every one succeeded, once',
    holds: jobs.ids.size > 0 && states['succeeded'] === jobs.ids.size && finalEventsNotOne + outputsNotOne === 0,
  };
}

/** The gateway is killed and does not come back. */
async function abandoned({ gateway }: Running, dataDir: string): Promise<Figure> {
  const supervisors = processesOf(dataDir).length - 1;
  const supervisor = gateway.supervisor();
  kill(gateway.pid, 'SIGKILL');
  const seconds = await untilGone(supervisor, 90);
  const left = processesOf(dataDir);
  for (const pid of left) kill(pid, 'SIGKILL');
  return {
    what: 'processes left when the gateway does not come back',
    value: seconds === null ? 'the supervisor still runs after 90 s' : `${left.length}, after ${seconds.toFixed(0)} s`,
    reference: `${supervisors} supervisor while it lived; its lease is 60 s`,
    target: 'none after 60 s',
    holds: seconds !== null && seconds <= 62 && left.length === 0 && supervisors === 1,
  };
}

async function run(say: (line: string) => void): Promise<Figure[]> {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const scaling = { min_containers: 4, max_containers: 8 };
  const args = writeSetting({ folder, profile: { start: 0.5, execute: 0.5 }, workflow: 'sampler', capacity: 8, scaling });
  const first = await startGateway({ args, dataDir });
  const { url } = first;
  await untilReady(url, 4);
  const running: Running = { gateway: first, back: [], restart: () => startGateway({ args, dataDir, port: Number(new URL(url).port) }) };
  const figures: Figure[] = [];
  for (const phase of phases) {
    say(`${phase.kills} kills: ${phase.victims}`);
    figures.push(await runPhase(running, phase));
  }
  figures.push({
    what: 'gateway ready again after a kill -9',
    value: `p50 ${Math.round(median(running.back))} ms, ${Math.round(Math.max(...running.back))} ms at most`,
    reference: `${Math.round(first.startedMs)} ms for its first start`,
    target: '',
    holds: null,
  });
  say('the gateway is killed for good; waiting for its supervisor to give up');
  figures.push(await abandoned(running, dataDir));
  return figures;
}

export const killBench: Bench = {
  name: 'kill',
  what: 'kill -9 of gateway, supervisor and both, under load',
  run: ({ say }) => run(say),
};
