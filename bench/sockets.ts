import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGateway, type Gateway } from '../src/cli/child-gateway.ts';
import { temporaryFolder, untilReady } from './lib/gateway.ts';
import { coreSeconds, memoryOf } from './lib/processes.ts';
import { previewServers } from './lib/references.ts';
import type { Bench, BenchOptions, Figure } from './lib/report.ts';
import { socketLoad, type SocketLoadResult, type SocketLoadSpec } from './lib/socket-load.ts';
import { median, quantile } from './lib/statistics.ts';
import { previewGraph } from './lib/workflows.ts';

const containers = 64;
const clients = 1_000;
const perSecond = 200;
const previews = 4;
const previewBytes = 10_000;
/** Of the rounds the median counts. */
const rounds = 5;
const loudRounds = 3;
/** V8 takes memory until garbage is a few times what lives, which at this load takes more than a minute: only then can memory be flat. */
const warmUpSeconds = 120;
/** What the loud client is told in a round is many times what may wait for it. */
const loud = { perSecond: 10, textBytes: 1_000_000 };
/** Bytes that may wait for one client, and what the allocator and the containers' texts under way add to it. */
const boundMib = 4 + 28;
const targetMs = 20;

interface Round extends SocketLoadResult {
  /** MiB of the gateway, meanwhile. */
  readonly memory: readonly number[];
  /** Parts of the time that the gateway's main thread ran, and that it waited for a core; null: unknown. */
  readonly core: { readonly ran: number; readonly waited: number } | null;
}

const specFor = (urls: readonly string[], seconds: number, loudOne: SocketLoadSpec['loud'] = null): SocketLoadSpec => ({
  urls,
  clients,
  perSecond,
  seconds,
  previews,
  previewBytes,
  loud: loudOne,
});

/** The gateway in front of the servers, with each of them ready. */
async function startBefore(urls: readonly string[], folder: string): Promise<Gateway> {
  const workflow = join(folder, 'workflow.json');
  writeFileSync(workflow, JSON.stringify(previewGraph({ seed: 0, steps: 1, bytes: 1_000, text: 0 })));
  const scaling = { min_containers: urls.length, max_containers: urls.length };
  const deployments = { bench: { workflow, default: true, scaling } };
  const config = join(folder, 'comfleet.yaml');
  writeFileSync(config, JSON.stringify({ runtime: 'remote', comfyui: { urls }, deployments }));
  const gateway = await startGateway({ args: ['--config', config], dataDir: join(folder, 'data') });
  await untilReady(gateway.url, urls.length);
  return gateway;
}

/** A load through the gateway, with its memory watched. */
async function through(gateway: Gateway, seconds: number, loudOne: SocketLoadSpec['loud'] = null): Promise<Round> {
  const memory: number[] = [];
  const watch = setInterval(() => void memoryOf([gateway.pid]).then((mib) => memory.push(mib)), 250);
  const [begun, before] = [performance.now(), coreSeconds(gateway.pid)];
  try {
    const result = await socketLoad(specFor([gateway.url], seconds, loudOne));
    const [after, passed] = [coreSeconds(gateway.pid), (performance.now() - begun) / 1_000];
    const core = before && after && { ran: (after.ran - before.ran) / passed, waited: (after.waited - before.waited) / passed };
    return { ...result, memory, core };
  } finally {
    clearInterval(watch);
  }
}

const all = ({ previews: pictures, steps, ends }: SocketLoadResult): number[] => [...pictures, ...steps, ...ends];
const middle = (results: readonly SocketLoadResult[], of: (result: SocketLoadResult) => readonly number[], p: number): number =>
  median(results.map((result) => quantile(of(result), p)));

function shown(results: readonly SocketLoadResult[], of: (result: SocketLoadResult) => readonly number[]): string {
  const [p50, p99] = [middle(results, of, 0.5), middle(results, of, 0.99)];
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}

/** On a machine that is busy with other things, messages are late because the gateway does not get a core. */
function onCore(ours: readonly Round[]): string {
  const shares = ours.flatMap(({ core }) => core ?? []);
  if (shares.length === 0) return '';
  const percent = (of: (share: { ran: number; waited: number }) => number): string => `${Math.round(median(shares.map(of)) * 100)} %`;
  return `; the gateway's thread ran ${percent(({ ran }) => ran)} of the time, and waited ${percent(({ waited }) => waited)} for a core`;
}

/** What went wrong, in words; empty: nothing. */
function troubles(results: readonly SocketLoadResult[]): string {
  const said = results.flatMap(({ prompts, unended, failures, open, previews: pictures }) => [
    ...Object.entries(failures).map(([reason, count]) => `${count} x ${reason}`),
    ...(unended > 0 ? [`${unended} of ${prompts} prompts never ended`] : []),
    ...(open < clients ? [`${clients - open} sockets were closed`] : []),
    ...(pictures.length < prompts * previews ? [`${prompts * previews - pictures.length} previews were left out`] : []),
  ]);
  return said.length > 0 ? `; ${said.join('; ')}` : '';
}

function latency(ours: readonly Round[], straight: readonly SocketLoadResult[]): Figure[] {
  const figure = (what: string, of: (result: SocketLoadResult) => readonly number[], hasTarget: boolean): Figure => ({
    what,
    value: shown(ours, of) + (hasTarget ? onCore(ours) + troubles(ours) : ''),
    reference: `the same clients on the containers' own sockets: ${shown(straight, of)}${hasTarget ? troubles(straight) : ''}`,
    target: hasTarget ? `p99 <= ${targetMs} ms` : '',
    holds: hasTarget ? middle(ours, of, 0.99) <= targetMs && troubles(ours) === '' : null,
  });
  const load = `${clients.toLocaleString('en')} sockets, ${perSecond} prompts/s, ${previews} previews of ${previewBytes / 1_000} kB each`;
  return [
    figure(`${load}: a message from its container to its client`, all, true),
    figure('of these the previews', (result) => result.previews, false),
    figure('of these steps, nodes and outputs', (result) => result.steps, false),
    figure('of these the ends of prompts, which are stored first', (result) => result.ends, false),
  ];
}

/** The last round beside the third: by then everything that keeps a fixed number of things has that number. */
function flatness(ours: readonly Round[], full: boolean): Figure {
  const samples = ours.map(({ memory }) => median(memory));
  const [before, after] = [samples[2] ?? 0, samples[4] ?? 0];
  return {
    what: `memory of the gateway in each round of ${(ours[0]?.prompts ?? 0).toLocaleString('en')} prompts, median`,
    value: `${samples.map((mib) => Math.round(mib)).join(', ')} MiB`,
    reference: `the last to the third: ${((after / before - 1) * 100).toFixed(0)} % more`,
    target: full ? 'flat: at most 10 % more' : '',
    holds: full ? after / before <= 1.1 : null,
  };
}

/** One more client, to which much is said: it reads in one round, and never in the next. */
function unread(reading: readonly Round[], never: readonly Round[]): Figure {
  const most = (results: readonly Round[]): number => median(results.map(({ memory }) => Math.max(...memory)));
  const cutOff = never.map(({ cutOffSeconds }) => cutOffSeconds);
  const [p99, p99Reading, more] = [middle(never, all, 0.99), middle(reading, all, 0.99), most(never) - most(reading)];
  const cut = cutOff.map((seconds) => (seconds === null ? 'never' : `after ${seconds.toFixed(1)} s`)).join(', ');
  const { perSecond: rate, textBytes } = loud;
  return {
    what: `the others, beside a client that is told ${(rate * textBytes) / 1e6} MB/s and never reads`,
    value: `${shown(never, all)}; cut off ${cut}; gateway at most ${Math.round(most(never))} MiB${troubles(never)}`,
    reference: `it reads: ${shown(reading, all)}; gateway at most ${Math.round(most(reading))} MiB${troubles(reading)}`,
    target: `p99 at most 1.5 x + 5 ms; cut off; at most ${boundMib} MiB more`,
    holds: p99 <= 1.5 * p99Reading + 5 && !cutOff.includes(null) && more <= boundMib && troubles(never) === '',
  };
}

async function measure({ say, full }: BenchOptions): Promise<Figure[]> {
  const folder = temporaryFolder();
  const seconds = full ? 30 : 5;
  const servers = await previewServers(containers);
  const gateway = await startBefore(servers.urls, folder);
  say('warming up');
  await through(gateway, full ? warmUpSeconds : 3);
  const straight: SocketLoadResult[] = [];
  const ours: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}: ${seconds} s through the gateway`);
    straight.push(await socketLoad(specFor(servers.urls, 5)));
    ours.push(await through(gateway, seconds));
    say(`${shown([ours.at(-1)!], all)}; straight ${shown([straight.at(-1)!], all)}`);
  }
  const [reading, never]: [Round[], Round[]] = [[], []];
  for (let round = 1; round <= loudRounds; round++) {
    say(`round ${round} of ${loudRounds} beside a client that never reads`);
    reading.push(await through(gateway, 5, { ...loud, reads: true }));
    never.push(await through(gateway, 5, { ...loud, reads: false }));
  }
  await gateway.stop();
  await servers.stop();
  return [...latency(ours, straight), flatness(ours, full), unread(reading, never)];
}

export const socketsBench: Bench = {
  name: 'sockets',
  what: `${clients.toLocaleString('en')} sockets of ComfyUI clients: how late, how much memory, and one that never reads`,
  run: measure,
};
