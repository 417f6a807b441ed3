import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCli, type CliWorld } from '../../test/support/cli.ts';
import { cacheFolder } from './lower-bound.ts';

let cli: CliWorld;
let cache: string;
beforeAll(async () => {
  cli = await openCli();
  cache = path.join(cli.folder, 'cache');
  writeFileSync(path.join(cli.folder, 'trace.csv'), 'arrival_s,service_s\n0,3.5\n1,3.5\n60,3.5\n');
  writeFileSync(path.join(cli.folder, 'slow.csv'), 'arrival_s,service_s\n0,3.5\n1,3.5\n2,9\n60,8.2\n');
});
afterAll(() => cli.close());

const bound = (...args: string[]) => {
  const given = ['simulate', '--trace', 'trace.csv', '--policy', 'fixed', '--settings', 'min_containers=2', '--bound', ...args];
  return cli.comfleet(given, { env: { XDG_CACHE_HOME: cache } });
};
const boundOf = async (...args: string[]): Promise<number> => {
  const { out, err } = await bound('--json', ...args);
  expect(err).toBe('');
  return (JSON.parse(out) as { lower_bound_gpu_seconds: number }).lower_bound_gpu_seconds;
};
const kept = (): string[] => readdirSync(path.join(cache, 'comfleet', 'bounds'));

test('the bound is solved once for a trace, its starts and its target, and then read', async () => {
  // Work and one start: a part of a container does here, so the linear programme says less.
  expect(await boundOf('--slo', 'p95=30s', '--start-seconds', '20')).toBe(30.5);
  const [file] = kept();
  writeFileSync(path.join(cache, 'comfleet', 'bounds', file!), '{"lower":29.5,"feasible":null}');
  expect(await boundOf('--slo', 'p95=30s', '--start-seconds', '20')).toBe(29.5);
  expect(await boundOf('--slo', 'p95=30s', '--start-seconds', '2')).toBe(12.5);
  expect(kept().length).toBe(2);
  writeFileSync(path.join(cache, 'comfleet', 'bounds', file!), 'broken');
  expect(await boundOf('--slo', 'p95=30s', '--start-seconds', '20')).toBe(30.5);
});

test('people read the ratio, what it is derived from, and what the optimum lies between', async () => {
  const { out } = await bound('--slo', 'p95=30s', '--start-seconds', '20');
  // Two containers for 63.5 s; the best plan has one at a time, started twice for 20 s.
  expect(out).toMatch(/distance from the lower bound +4\.16 x \(derived: GPU-seconds \/ 31\); the best possible lies between 31 and 51\n/);
  const missed = await bound('--slo', 'p95=4s', '--start-seconds', '20');
  expect(missed.out).toContain('the bound is for runs that meet the target, which this one does not');
});

test('a cache that cannot be written to is no reason to fail', async () => {
  writeFileSync(path.join(cli.folder, 'file'), '');
  const { code } = await cli.comfleet(['simulate', '--trace', 'trace.csv', '--bound'], {
    env: { XDG_CACHE_HOME: path.join(cli.folder, 'file') },
  });
  expect(code).toBe(0);
});

test('a target below what the jobs take by themselves is refused with what would be possible', async () => {
  const { code, err } = await bound('--trace', 'slow.csv', '--slo', 'p75=5s');
  expect(err).toContain('--slo p75=5s cannot be met: only 50.0 % of the jobs take no longer than that by themselves');
  expect(err).toContain('p75=8.2s is possible');
  expect(code).toBe(2);
});

test('a trace too long to solve is refused', async () => {
  writeFileSync(path.join(cli.folder, 'long.csv'), `arrival_s,service_s\n${'0,1\n'.repeat(200_001)}`);
  const { code, err } = await bound('--trace', 'long.csv', '--slo', 'p95=5s', '--settings', 'min_containers=1000');
  expect(err).toContain('--bound is solved for at most 200000 jobs, and the trace has 200001');
  expect(code).toBe(2);
});

test('an empty trace is refused as always', async () => {
  writeFileSync(path.join(cli.folder, 'empty.csv'), 'arrival_s,service_s\n');
  const { code, err } = await bound('--trace', 'empty.csv');
  expect(err).toContain('empty.csv has no jobs');
  expect(code).toBe(1);
});

test.each([
  [{ XDG_CACHE_HOME: '/x' }, 'linux', '/x/comfleet'],
  [{ HOME: '/home/a' }, 'linux', '/home/a/.cache/comfleet'],
  [{ HOME: '/Users/a' }, 'darwin', '/Users/a/Library/Caches/comfleet'],
] as const)('%j on %s: %s', (env, platform, folder) => {
  expect(cacheFolder(env, platform)).toBe(folder);
});
