import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunTimeline } from '../planning/summary.ts';
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
    model_switches: 0,
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

test('users who wait for their answers: jobs, time outside the GPU and starts of the profile', async () => {
  const run = await cli.json('simulate', '--closed-loop', 'users=10,wait=1-5', '--policy', 'fixed', '--settings', 'min_containers=10');
  expect(run).toMatchObject({
    workload: '10 users',
    latency_s: { p50: 4.4, p95: 4.4, p99: 19.9 },
    starts: 10,
    gpu_seconds: { start: 155 },
  });
  // Each of the users is answered about every 4.4 s + 3 s, after the start.
  expect(Math.abs(Number(run['jobs']) / (((600 - 15.5) * 10) / 7.4) - 1)).toBeLessThan(0.05);
});

test('faults and models: what they cost is told', async () => {
  writeFileSync(path.join(cli.folder, 'models.csv'), 'arrival_s,service_s,model\n0,1,a\n10,1,b\n20,1,a\n30,1,a\n');
  const one = ['simulate', '--trace', 'models.csv', '--settings', 'min_containers=1,max_containers=1'];
  const run = await cli.json(...one, '--load-seconds', '4', '--start-seconds', '0');
  expect(run).toMatchObject({ model_switches: 2, latency_s: { p50: 5 } });
  expect(run).not.toHaveProperty('retries');
  const { out } = await cli.comfleet([...one, '--load-seconds', '4', '--faults', 'crash=0.5', '--seed', '2']);
  expect(out).toMatch(/models\s+\d+ loaded in place of others, \d+\.\d % of the jobs/);
  expect(out).toMatch(/retries\s+\d+ tries lost their container/);
});

test('counts over time: as points when they are asked for, else drawn', async () => {
  const args = ['simulate', '--workload', 'bursty', '--policy', 'per-input'];
  expect(await cli.json(...args)).not.toHaveProperty('timeline');
  const { timeline } = (await cli.json(...args, '--timeline')) as unknown as { timeline: RunTimeline };
  expect(timeline.points.length).toBeGreaterThan(400);
  expect(timeline.points.length).toBeLessThanOrEqual(1_000);
  expect(timeline.points[1]).toEqual({
    at_s: timeline.period_s,
    ...Object.fromEntries(
      ['queued', 'running', 'starting', 'busy', 'idle'].map((name) => [
        name,
        { mean: expect.any(Number) as number, max: expect.any(Number) as number },
      ]),
    ),
  });
  const { out } = await cli.comfleet(args);
  expect(out).toMatch(/in flight {3}[ ▁▂▃▄▅▆▇█]{72} highest \d+\.\d/);
  expect(out).toMatch(/containers {2}[ ▁▂▃▄▅▆▇█]{72} highest \d+\.\d/);
  expect(out).toContain('0 to 2.');
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
  [['--workload', 'steady', '--trace', 'trace.csv'], 'Give either --workload NAME or --trace FILE or --closed-loop users=10,wait=1-5'],
  [['--closed-loop', 'users=10'], '--closed-loop users=10 says nothing that can be simulated'],
  [['--closed-loop', 'users=0,wait=1-5'], 'says nothing'],
  [['--closed-loop', 'users=5,wait=5-1'], 'says nothing'],
  [['--closed-loop', 'users=5,wait=1,colour=red'], 'says nothing'],
  [['--closed-loop', 'users=5,wait=1-5', '--profile', 'a10g'], 'There is no profile a10g'],
  [['--workload', 'steady', '--faults', 'crash=1'], '--faults crash=1 is no share below 1'],
  [['--workload', 'steady', '--faults', 'crush=0.1'], '--faults crush=0.1 is no share below 1'],
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
