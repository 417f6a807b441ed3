import { join } from 'node:path';
import { startGateway } from '../src/cli/child-gateway.ts';
import { temporaryFolder, writeSetting } from './lib/gateway.ts';
import { failed, load, why } from './lib/load.ts';
import { memoryOf } from './lib/processes.ts';
import type { Bench } from './lib/report.ts';
import { median, quantile } from './lib/statistics.ts';

const containers = 200;
const clients = 1_000;
const jobs = 5_000;
const profile = { start: 0.5, execute: 0.3 };

export const crowdBench: Bench = {
  name: 'crowd',
  what: `${containers} emulated containers and ${clients} clients on this machine`,
  async run({ say }) {
    const folder = temporaryFolder();
    const args = writeSetting({
      folder,
      profile,
      workflow: 'sampler',
      capacity: containers,
      scaling: { max_containers: containers },
    });
    const gateway = await startGateway({ args, dataDir: join(folder, 'data') });
    say(`${clients} clients, ${jobs} jobs`);
    let most = 0;
    const watch = setInterval(() => void countContainers(gateway.url).then((count) => (most = Math.max(most, count))), 500);
    const result = await load({ kind: 'simple', urls: [gateway.url], pacing: { clients }, jobs, prompts: ['a regal phoenix'] });
    clearInterval(watch);
    const memory = await memoryOf([gateway.pid, gateway.supervisor()]);
    await gateway.stop();
    const ideal = profile.start + (jobs * profile.execute) / containers;
    const times = result.answers.map(({ ms }) => ms / 1_000);
    return [
      {
        what: `${jobs.toLocaleString('en')} jobs of ${clients.toLocaleString('en')} clients at once, from no container on`,
        value: `${failed(result)} errors${failed(result) > 0 ? ` (${why(result)})` : ''}; ${most} containers; ${result.seconds.toFixed(1)} s, p50 ${median(times).toFixed(1)} s, p99 ${quantile(times, 0.99).toFixed(1)} s; ${Math.round(memory)} MiB`,
        reference: `${ideal.toFixed(1)} s: a start of ${profile.start} s and ${jobs} x ${profile.execute} s / ${containers}`,
        target: `no error, ${containers} containers`,
        holds: failed(result) === 0 && result.answers.length === jobs && most === containers,
      },
    ];
  },
};

async function countContainers(url: string): Promise<number> {
  const answer = await fetch(`${url}/fleet/v1/containers?limit=1000`);
  const { items } = (await answer.json()) as { items: { state: string }[] };
  return items.filter(({ state }) => state !== 'starting').length;
}
