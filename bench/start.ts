import { join } from 'node:path';
import { cleanEnvironment, startGateway } from '../src/cli/child-gateway.ts';
import { root, temporaryFolder } from './lib/gateway.ts';
import { output } from './lib/processes.ts';
import type { Bench, BenchOptions, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const runs = 5;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** From the start of the process to the line that says it is ready, with the shipped examples; beside what Node alone takes. */
async function toBanner(say: (line: string) => void): Promise<Figure> {
  const banner: number[] = [];
  const bare: number[] = [];
  const fastify: number[] = [];
  const evaluate = (code: string) => () => output(process.execPath, ['--input-type=module', '-e', code], { cwd: root });
  for (let run = 0; run < runs; run++) {
    const folder = temporaryFolder();
    const gateway = await startGateway({ args: ['--runtime', 'emulated'], dataDir: join(folder, 'data') });
    banner.push(gateway.startedMs);
    await gateway.stop();
    bare.push(await timed(evaluate('0')));
    fastify.push(await timed(evaluate('await import("fastify")')));
    say(`${Math.round(gateway.startedMs)} ms to the banner`);
  }
  const ms = (values: number[]): string => `${Math.round(median(values))} ms`;
  return {
    what: 'comfleet up to its banner, with a new data folder',
    value: `${ms(banner)} (${banner.map(Math.round).join(', ')})`,
    reference: `node alone ${ms(bare)}, node with fastify imported ${ms(fastify)}`,
    target: '< 1 s',
    holds: median(banner) < 1_000,
  };
}

/** A fresh clone by the two commands, to the first image of the default deployment. */
async function fromClone(say: (line: string) => void): Promise<Figure> {
  const folder = temporaryFolder();
  const clone = join(folder, 'clone');
  const options = { cwd: clone, env: cloneEnvironment };
  await output('git', ['clone', '--quiet', root, clone]);
  say('npm ci');
  const begun = performance.now();
  const installed = await timed(() => output('npm', ['ci', '--no-audit', '--no-fund'], options));
  say('npm start');
  const gateway = await startGateway({
    args: [],
    dataDir: join(folder, 'data'),
    command: ['npm', 'start', '--silent', '--'],
    ...options,
  });
  const answer = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"prompt":"a regal phoenix"}',
  });
  const image = await answer.arrayBuffer();
  const total = performance.now() - begun;
  await gateway.stop();
  const good = answer.status === 200 && answer.headers.get('content-type') === 'image/png' && image.byteLength > 1_000;
  return {
    what: 'fresh clone: npm ci && npm start to the first image',
    value: `${(total / 1_000).toFixed(1)} s${good ? '' : ` (status ${answer.status})`}`,
    reference: `npm ci alone ${(installed / 1_000).toFixed(1)} s; the emulated start and the picture are 19.9 s of it`,
    target: '< 60 s',
    holds: good && total < 60_000,
  };
}

/** Without what an outer `npm run` has left in the environment about its own package. */
const cloneEnvironment = Object.fromEntries(
  Object.entries(cleanEnvironment).filter(([name]) => !/^npm_(?:package|lifecycle|config_local_prefix|command)|^INIT_CWD$/.test(name)),
);

export const startBench: Bench = {
  name: 'start',
  what: 'time to the banner, and from a clone to the first image',
  run: async ({ say, full }: BenchOptions) => [await toBanner(say), ...(full ? [await fromClone(say)] : [])],
};
