import { join } from 'node:path';
import { startGateway, temporaryFolder, untilReady, writeSetting, type Gateway } from './lib/gateway.ts';
import { failed, load, why, type LoadResult, type LoadSpec } from './lib/load.ts';
import { memoryOf } from './lib/processes.ts';
import { bareServer, comfyApiProxy, emulatedServers } from './lib/references.ts';
import type { Bench, BenchOptions, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const clients = 64;
const containers = 8;
const samplePeriodMs = 1_000;

const rate = ({ answers, seconds }: LoadResult): number => answers.length / seconds;
const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
const troubles = (result: LoadResult): string => (failed(result) > 0 ? `; failed: ${why(result)}` : '');
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
  const args = writeSetting({ folder: folder.path, profile: 'instant', workflow: 'plain', capacity: 1, scaling: { max_containers: 0 } });
  const bare = await bareServer(folder.path);
  await load(spec('bare', bare.urls, 2_000));
  const reference = await load(spec('bare', bare.urls, 10_000));
  await bare.stop();
  const gateway = await startGateway({ args, dataDir: join(folder.path, 'data') });
  await load(spec('accepted', [gateway.url], 5_000));
  say('submitting');
  const result = await load(spec('accepted', [gateway.url], 20_000));
  await gateway.stop();
  folder.remove();
  return {
    what: `durable submissions accepted, ${clients} clients`,
    value: perSecond(rate(result)) + troubles(result),
    reference: `${perSecond(rate(reference))} by a bare Node server that syncs one append for each`,
    target: '>= 3,000/s',
    holds: rate(result) >= 3_000 && failed(result) === 0,
  };
}

/** Memory of gateway and supervisor while something runs. */
async function watchMemory<T>(gateway: Gateway, work: Promise<T>): Promise<{ result: T; samples: number[] }> {
  const samples: number[] = [];
  const pids = [gateway.pid, gateway.supervisor()];
  const timer = setInterval(() => void memoryOf(pids).then((mib) => samples.push(mib)), samplePeriodMs);
  try {
    return { result: await work, samples };
  } finally {
    clearInterval(timer);
  }
}

async function carried({ say, full }: BenchOptions): Promise<Figure[]> {
  const folder = temporaryFolder();
  const jobs = full ? 100_000 : 10_000;
  const scaling = { min_containers: containers, max_containers: containers };
  const args = writeSetting({ folder: folder.path, profile: 'instant', workflow: 'plain', capacity: containers, scaling });
  const gateway = await startGateway({ args, dataDir: join(folder.path, 'data') });
  await untilReady(gateway.url, containers);
  await load(spec('simple', [gateway.url], 1_000));
  say(`carrying ${jobs} jobs`);
  const { result, samples } = await watchMemory(gateway, load(spec('simple', [gateway.url], jobs)));
  await gateway.stop();
  const servers = await emulatedServers(folder.path, 1);
  await load(spec('direct', servers.urls, 1_000));
  const direct = await load(spec('direct', servers.urls, 5_000));
  await servers.stop();
  const other = await proxied(folder.path, say);
  folder.remove();
  const quarter = (n: number): number => median(samples.slice((samples.length * n) / 4, (samples.length * (n + 1)) / 4));
  const growth = quarter(3) / quarter(1) - 1;
  return [
    {
      what: `jobs carried end to end, 64 pixels, ${clients} clients, ${containers} containers`,
      value: perSecond(rate(result)) + troubles(result),
      reference: `${perSecond(rate(direct))} straight to one emulated server; ${other}`,
      target: '>= 500/s',
      holds: rate(result) >= 500 && failed(result) === 0,
    },
    {
      what: `memory of gateway and supervisor over ${jobs.toLocaleString('en')} jobs, last quarter`,
      value: `${Math.round(quarter(3))} MiB`,
      reference: `${Math.round(quarter(1))} MiB in the second quarter: ${(growth * 100).toFixed(0)} %`,
      target: full ? 'flat: at most 10 % more' : '',
      holds: full ? growth <= 0.1 : null,
    },
  ];
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
    return `${perSecond(rate(result))} by comfy-api-proxy ${proxy.version} in front of one, asked every 5 ms by 16 clients${troubles(result)}`;
  } finally {
    await servers.stop();
  }
}

export const throughputBench: Bench = {
  name: 'throughput',
  what: 'submissions and whole jobs per second, and memory',
  run: async (options) => [await accepted(options.say), ...(await carried(options))],
};
