import { join } from 'node:path';
import { startGateway } from '../src/cli/child-gateway.ts';
import { temporaryFolder, untilReady, writeSetting } from './lib/gateway.ts';
import { failed, load, why, type LoadResult, type LoadSpec } from './lib/load.ts';
import { memoryOf } from './lib/processes.ts';
import { bareServer, comfyApiProxy, emulatedServers } from './lib/references.ts';
import type { Bench, BenchOptions, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const clients = 64;
const containers = 16;
/** Of the rounds the median counts. */
const rounds = 5;

const rate = ({ answers, seconds }: LoadResult): number => answers.length / seconds;
const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
const troublesOf = (result: LoadResult): string => (failed(result) > 0 ? `; failed: ${why(result)}` : '');
const spec = (kind: LoadSpec['kind'], urls: readonly string[], jobs: number): LoadSpec => ({
  kind,
  urls,
  pacing: { clients },
  jobs,
  prompts: null,
});

/** Submissions alone: no container ever comes, so queueing is what is measured. */
async function accepted(say: (line: string) => void): Promise<Figure> {
  const folder = temporaryFolder();
  const args = writeSetting({ folder, profile: 'instant', workflow: 'plain', capacity: 1, scaling: { max_containers: 0 } });
  const bare = await bareServer(folder);
  await load(spec('bare', bare.urls, 2_000));
  const reference = await load(spec('bare', bare.urls, 10_000));
  await bare.stop();
  const gateway = await startGateway({ args, dataDir: join(folder, 'data') });
  await load(spec('accepted', [gateway.url], 5_000));
  say('submitting');
  const result = await load(spec('accepted', [gateway.url], 20_000));
  await gateway.stop();
  return {
    what: `durable submissions accepted, ${clients} clients`,
    value: perSecond(rate(result)) + troublesOf(result),
    reference: `${perSecond(rate(reference))} by a bare Node server that syncs one append for each`,
    target: '>= 3,000/s',
    holds: rate(result) >= 3_000 && failed(result) === 0,
  };
}

async function carried({ say, full }: BenchOptions): Promise<Figure[]> {
  const folder = temporaryFolder();
  const jobs = full ? 100_000 : 10_000;
  const scaling = { min_containers: containers, max_containers: containers };
  const args = writeSetting({ folder, profile: 'instant', workflow: 'plain', capacity: containers, scaling });
  const servers = await emulatedServers(folder, 1);
  const gateway = await startGateway({ args, dataDir: join(folder, 'data') });
  await untilReady(gateway.url, containers);
  await load(spec('simple', [gateway.url], 1_000));
  const straight: LoadResult[] = [];
  const through: LoadResult[] = [];
  const memory = { gateway: [] as number[], supervisor: [] as number[] };
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}: ${jobs / rounds} jobs`);
    straight.push(await load(spec('direct', servers.urls, 2_000)));
    through.push(await load(spec('simple', [gateway.url], jobs / rounds)));
    memory.gateway.push(await memoryOf([gateway.pid]));
    memory.supervisor.push(await memoryOf([gateway.supervisor()]));
  }
  await gateway.stop();
  await servers.stop();
  const other = await proxied(folder, say);
  const medianRate = (results: LoadResult[]): number => median(results.map(rate));
  const troubles = through.map(troublesOf).join('');
  return [
    {
      what: `jobs carried end to end, 64 pixels, ${clients} clients, ${containers} containers`,
      value: perSecond(medianRate(through)) + troubles,
      reference: `${perSecond(medianRate(straight))} straight to one emulated server; ${other}`,
      target: '>= 500/s',
      holds: medianRate(through) >= 500 && troubles === '',
    },
    flatness(memory.gateway, jobs, full),
    {
      what: `memory of the supervisor with its ${containers} emulated servers, meanwhile`,
      value: listed(memory.supervisor),
      reference: 'each server, like ComfyUI, keeps its last 10,000 prompts',
      target: '',
      holds: null,
    },
  ];
}

const listed = (samples: readonly number[]): string => `${samples.map((mib) => Math.round(mib)).join(', ')} MiB`;

/** The last round beside the third: by then everything that keeps a fixed number of things has that number. */
function flatness(samples: readonly number[], jobs: number, full: boolean): Figure {
  const [before, after] = [samples[2] ?? 0, samples[4] ?? 0];
  return {
    what: `memory of the gateway after each ${(jobs / rounds).toLocaleString('en')} of ${jobs.toLocaleString('en')} jobs`,
    value: listed(samples),
    reference: `the last to the third: ${((after / before - 1) * 100).toFixed(0)} % more`,
    target: full ? 'flat: at most 10 % more' : '',
    holds: full ? after / before <= 1.1 : null,
  };
}

/** The same prompts by comfy-api-proxy in front of an emulated server. */
async function proxied(parent: string, say: (line: string) => void): Promise<string> {
  const servers = await emulatedServers(join(parent, 'proxied'), 1);
  const proxy = await comfyApiProxy(parent, servers.urls[0]!);
  try {
    if (typeof proxy === 'string') return proxy;
    say('comfy-api-proxy');
    await load({ ...spec('v2', proxy.urls, 200), pacing: { clients: 16 } });
    const result = await load({ ...spec('v2', proxy.urls, 100_000), pacing: { clients: 16 }, seconds: 8 });
    await proxy.stop();
    return `${perSecond(rate(result))} by comfy-api-proxy ${proxy.version} in front of one, asked every 5 ms by 16 clients, keeping no pictures and waiting for no disk${troublesOf(result)}`;
  } finally {
    await servers.stop();
  }
}

export const throughputBench: Bench = {
  name: 'throughput',
  what: 'submissions and whole jobs per second, and memory',
  run: async (options) => [await accepted(options.say), ...(await carried(options))],
};
