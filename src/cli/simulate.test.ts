import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCli, type CliWorld } from '../../test/support/cli.ts';

let cli: CliWorld;
beforeAll(async () => {
  cli = await openCli();
  writeFileSync(path.join(cli.folder, 'trace.csv'), 'arrival_s,service_s\n0,3.5\n1,3.5\n2,3.5\n');
});
afterAll(() => cli.close());

test('a trace under a policy: latency, GPU-seconds, money and starts as JSON', async () => {
  const run = await cli.json(
    'simulate',
    '--trace',
    'trace.csv',
    '--slo',
    'p95=30s',
    '--start-seconds',
    '20',
    '--price',
    '1.80',
    '--horizon',
    '60',
  );
  expect(run).toEqual({
    policy: 'per-input',
    workload: 'trace.csv',
    seed: 1,
    jobs: 3,
    latency_s: { p50: 23.5, p95: 23.5, p99: 23.5 },
    attainment: 1,
    windows_attained: 1,
    // Three containers from 0, 1 and 2 s on, until the end of the accounts.
    gpu_seconds: { start: 60, busy: 10.5, idle: 106.5, total: 177 },
    usd: (177 * 1.8) / 3600,
    starts: 3,
    peak_containers: 3,
    events: expect.any(Number) as number,
    wall_s: expect.any(Number) as number,
  });
});

test('the same seed gives the same run, but for the time that it took', async () => {
  const run = async (seed: string) => ({
    ...(await cli.json('simulate', '--workload', 'sparse', '--policy', 'keda', '--seed', seed)),
    wall_s: 0,
  });
  expect(await run('7')).toEqual(await run('7'));
  expect(await run('8')).not.toEqual(await run('7'));
});

test('settings reach the policy: common ones and its own', async () => {
  const starts = async (...settings: string[]) =>
    (await cli.json('simulate', '--trace', 'trace.csv', '--policy', 'request-count', ...settings))['starts'];
  expect(await starts()).toBe(3);
  expect(await starts('--settings', 'requests_per_worker=3')).toBe(1);
  expect(await starts('--settings', 'requests_per_worker=3,min_containers=2')).toBe(2);
});

test('for people it is a table that says that it is simulated', async () => {
  const { code, out } = await cli.comfleet(['simulate', '--trace', 'trace.csv']);
  expect(code).toBe(0);
  expect(out).toMatch(/per-input on trace\.csv, seed 1: simulated, \d+ events/);
  expect(out).toContain('no price set');
});

test.each([
  [[], 'Give either --workload NAME or --trace FILE'],
  [['--workload', 'steady', '--trace', 'trace.csv'], 'Give either --workload NAME or --trace FILE'],
  [['--workload', 'stedy'], 'There is no workload stedy; did you mean steady?'],
  [['--workload', 'steady', '--policy', 'kedda'], 'There is no policy kedda; did you mean keda?'],
  [['--trace', 'none.csv'], 'There is no file none.csv'],
  [['--workload', 'steady', '--slo', 'fast'], '--slo fast is no latency target; write e.g. --slo p95=6s'],
  [['--workload', 'steady', '--slo', 'p95=-1s'], 'is no latency target'],
  [['--workload', 'steady', '--start-seconds', '-1'], '--start-seconds must be a number >= 0, got "-1"'],
  [['--workload', 'steady', '--seed', '1.5'], '--seed must be a whole number >= 0, got "1.5"'],
  [['--workload', 'steady', '--settings', 'min_containers'], '"min_containers" is not name=value'],
])('%j is not tried: %s', async (args, message) => {
  const { code, err } = await cli.comfleet(['simulate', ...args]);
  expect(err).toContain(message);
  expect(code).toBe(2);
});

test('a setting that the policy has not is refused by name', async () => {
  const { code, err } = await cli.comfleet(['simulate', '--workload', 'steady', '--policy', 'keda', '--settings', 'coldown=5s']);
  expect(err).toContain('policy_settings.coldown: is not a known key; did you mean cooldown?');
  expect(code).toBe(1);
});
