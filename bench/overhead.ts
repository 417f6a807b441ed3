import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway } from '../src/cli/child-gateway.ts';
import { temporaryFolder, untilReady, writeSetting } from './lib/gateway.ts';
import { failed, load, why, type LoadResult, type LoadSpec } from './lib/load.ts';
import { emulatedServers } from './lib/references.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median, quantile } from './lib/statistics.ts';

const perSecond = 50;
/** Straight and through the gateway in turn, so that both meet the same weather on this machine; of the rounds the median counts. */
const rounds = 4;
const roundSeconds = 5;
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
 * median of the straight ones, so that what disturbs the machine meanwhile counts against the gateway.
 */
async function measure({ name, parent, p50, p99 }: (typeof places)[number], say: (line: string) => void): Promise<Figure> {
  const folder = temporaryFolder(parent);
  const scaling = { min_containers: containers, max_containers: containers };
  const args = writeSetting({ folder, profile: 'instant', workflow: 'plain', capacity: containers, scaling });
  const servers = await emulatedServers(folder, containers);
  const gateway = await startGateway({ args, dataDir: join(folder, 'data') });
  await untilReady(gateway.url, containers);
  await load(spec('direct', servers.urls, perSecond * roundSeconds));
  await load(spec('simple', [gateway.url], perSecond * roundSeconds));
  const straight: number[][] = [];
  const added: number[][] = [];
  const troubles: string[] = [];
  for (let round = 0; round < rounds; round++) {
    say(`${name}: round ${round + 1} of ${rounds}`);
    const direct = await load(spec('direct', servers.urls, perSecond * roundSeconds));
    const through = await load(spec('simple', [gateway.url], perSecond * roundSeconds));
    const base = median(times(direct));
    straight.push(times(direct));
    added.push(times(through).map((ms) => ms - base));
    if (failed(through) > 0) troubles.push(why(through));
  }
  await gateway.stop();
  await servers.stop();
  const of = (values: number[][], p: number): number => median(values.map((each) => quantile(each, p)));
  const [middle, high] = [of(added, 0.5), of(added, 0.99)];
  return {
    what: `time added to a job at ${perSecond} jobs/s, data folder ${name}`,
    value: `p50 ${middle.toFixed(1)} ms, p99 ${high.toFixed(1)} ms${troubles.length > 0 ? `; failed: ${troubles.join('; ')}` : ''}`,
    reference: `straight to the container: p50 ${of(straight, 0.5).toFixed(1)} ms, p99 ${of(straight, 0.99).toFixed(1)} ms`,
    target: `p50 <= ${p50}, p99 <= ${p99} ms`,
    holds: middle <= p50 && high <= p99 && troubles.length === 0,
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
