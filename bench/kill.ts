import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startGateway, temporaryFolder, untilReady, writeSetting, type Gateway } from './lib/gateway.ts';
import { kill, pause, untilGone } from './lib/processes.ts';
import type { Bench, Figure } from './lib/report.ts';

const gatewayKills = 20;
const supervisorKills = 5;
const bothKills = 5;
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
  /** Jobs that had not ended. */
  readonly open: number;
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
  const verdict = { states, errors, lost: 0, open: 0, finalEventsNotOne: 0, outputsNotOne: 0, attempts: 0 };
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
    if (!finals.has(job.state)) {
      verdict.open++;
      continue;
    }
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

interface Round {
  gateway: Gateway;
  kills: number;
  /** Ready after a kill, ms. */
  readonly back: number[];
}

async function killRounds(
  round: Round,
  count: number,
  victims: 'gateway' | 'supervisor' | 'both',
  restart: () => Promise<Gateway>,
): Promise<void> {
  for (let n = 0; n < count; n++) {
    await pause(500 + Math.random() * 1_500);
    const pids = [...(victims === 'supervisor' ? [] : [round.gateway.pid]), ...(victims === 'gateway' ? [] : [round.gateway.supervisor()])];
    for (const pid of pids) kill(pid, 'SIGKILL');
    for (const pid of pids) await untilGone(pid, 10);
    round.kills++;
    if (victims === 'supervisor') continue;
    round.gateway = await restart();
    round.back.push(round.gateway.startedMs);
  }
}

async function run(say: (line: string) => void): Promise<Figure[]> {
  const folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const scaling = { min_containers: 4, max_containers: 8 };
  const args = writeSetting({ folder: folder.path, profile: { start: 0.5, execute: 0.5 }, workflow: 'sampler', capacity: 8, scaling });
  const first = await startGateway({ args, dataDir });
  const { url } = first;
  const restart = (): Promise<Gateway> => startGateway({ args, dataDir, port: Number(new URL(url).port) });
  await untilReady(url, 4);
  const jobs = submitForEver(url);
  const round: Round = { gateway: first, kills: 0, back: [] };
  say(`${gatewayKills} kills of the gateway`);
  await killRounds(round, gatewayKills, 'gateway', restart);
  say(`${supervisorKills} kills of the supervisor`);
  await killRounds(round, supervisorKills, 'supervisor', restart);
  say(`${bothKills} kills of both`);
  await killRounds(round, bothKills, 'both', restart);
  await pause(1_000);
  await jobs.stop();
  say(`${jobs.ids.size} jobs acknowledged; waiting for them`);
  const verdict = await judge(url, jobs.ids);
  const supervisors = processesOf(dataDir).length - 1;
  const supervisor = round.gateway.supervisor();
  say('the gateway is killed for good; waiting for its supervisor to give up');
  kill(round.gateway.pid, 'SIGKILL');
  const seconds = await untilGone(supervisor, 90);
  const left = processesOf(dataDir);
  for (const pid of left) kill(pid, 'SIGKILL');
  folder.remove();
  const unhappy = Object.entries(verdict.errors).map(([code, count]) => `${count} ${code}`);
  const bad = verdict.lost + verdict.open + verdict.finalEventsNotOne + verdict.outputsNotOne + (verdict.states['failed'] ?? 0);
  return [
    {
      what: `jobs acknowledged while ${round.kills} processes or pairs were killed with -9`,
      value: `${jobs.ids.size} acknowledged: ${Object.entries(verdict.states)
        .map(([state, count]) => `${count} ${state}`)
        .join(
          ', ',
        )}; ${verdict.lost} lost, ${verdict.finalEventsNotOne} without exactly one final event, ${verdict.outputsNotOne} without exactly one result${unhappy.length > 0 ? `; ${unhappy.join(', ')}` : ''}`,
      reference: `${verdict.attempts} attempts for them; ${jobs.refused} requests met no gateway`,
      target: 'all succeeded, once each',
      holds: bad === 0 && jobs.ids.size > 0,
    },
    {
      what: 'gateway back after kill -9',
      value: `${Math.round(Math.max(...round.back))} ms at most`,
      reference: `${Math.round(first.startedMs)} ms for its first start`,
      target: '',
      holds: null,
    },
    {
      what: 'processes left when the gateway does not come back',
      value: seconds === null ? `the supervisor still runs after 90 s` : `${left.length}, after ${seconds.toFixed(0)} s`,
      reference: `${supervisors} supervisor while it lived; its lease is 60 s`,
      target: 'none after 60 s',
      holds: seconds !== null && seconds <= 62 && left.length === 0 && supervisors === 1,
    },
  ];
}

export const killBench: Bench = {
  name: 'kill',
  what: 'kill -9 of gateway, supervisor and both, under load',
  run: ({ say }) => run(say),
};
