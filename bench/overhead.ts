import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway, temporaryFolder, untilReady, writeSetting } from './lib/gateway.ts';
import { failed, load, why, type LoadResult, type LoadSpec } from './lib/load.ts';
import { emulatedServers } from './lib/references.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median, quantile } from './lib/statistics.ts';

const perSecond = 50;
const seconds = 20;
const containers = 4;

const places = [
  { name: 'on disk', parent: tmpdir(), p50: 8, p99: 40 },
  { name: 'in memory', parent: '/dev/shm', p50: 4, p99: 20 },
];

const spec = (kind: LoadSpec['kind'], urls: readonly string[], jobs: number): LoadSpec => ({
  kind,
  urls,
  pacing: { perSecond },
  jobs,
  prompts: null,
});

const times = (result: LoadResult): number[] => result.answers.map(({ ms }) => ms);

/**
 * The same prompts at the same rate, straight to emulated servers and through the gateway. What the gateway adds to a job is its time less the
 * median of the straight ones, so that all disturbances of the machine count against the gateway.
 */
async function measure({ name, parent, p50, p99 }: (typeof places)[number], say: (line: string) => void): Promise<Figure> {
  const folder = temporaryFolder(parent);
  const scaling = { min_containers: containers, max_containers: containers };
  const args = writeSetting({ folder: folder.path, profile: 'instant', workflow: 'plain', capacity: containers, scaling });
  const servers = await emulatedServers(folder.path, containers);
  const direct = async (jobs: number) => times(await load(spec('direct', servers.urls, jobs)));
  await direct(perSecond * 4);
  say(`${name}: straight to the emulated servers`);
  const before = await direct((perSecond * seconds) / 2);
  await servers.stop();
  const gateway = await startGateway({ args, dataDir: join(folder.path, 'data') });
  await untilReady(gateway.url, containers);
  await load(spec('simple', [gateway.url], perSecond * 4));
  say(`${name}: through the gateway`);
  const through = await load(spec('simple', [gateway.url], perSecond * seconds));
  await gateway.stop();
  const again = await emulatedServers(join(folder.path, 'again'), containers);
  await load(spec('direct', again.urls, perSecond * 4));
  const straight = [...before, ...times(await load(spec('direct', again.urls, (perSecond * seconds) / 2)))];
  await again.stop();
  folder.remove();
  const base = median(straight);
  const added = times(through).map((ms) => ms - base);
  const [middle, high] = [median(added), quantile(added, 0.99)];
  return {
    what: `time added to a job at ${perSecond} jobs/s, data folder ${name}`,
    value: `p50 ${middle.toFixed(1)} ms, p99 ${high.toFixed(1)} ms${failed(through) > 0 ? `; failed: ${why(through)}` : ''}`,
    reference: `straight to the container: p50 ${base.toFixed(1)} ms, p99 ${quantile(straight, 0.99).toFixed(1)} ms`,
    target: `p50 <= ${p50}, p99 <= ${p99} ms`,
    holds: middle <= p50 && high <= p99 && failed(through) === 0,
  };
}

export const overheadBench: Bench = {
  name: 'overhead',
  what: "the gateway's own cost with containers that answer at once",
  async run({ say }) {
    const figures: Figure[] = [];
    for (const place of places.filter(({ parent }) => existsSync(parent))) figures.push(await measure(place, say));
    return figures;
  },
};
