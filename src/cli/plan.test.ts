import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCli, screenOf, type CliWorld } from '../../test/support/cli.ts';
import type { Plan } from '../planning/plan/planner.ts';
import { formatTrace } from '../planning/trace-file.ts';
import { drawTrace } from '../planning/workloads.ts';

let cli: CliWorld;
beforeAll(async () => {
  cli = await openCli();
  const write = (name: string, text: string): void => writeFileSync(path.join(cli.folder, name), text);
  // A few sessions with pauses between them, and jobs without any.
  const { name, jobs } = drawTrace('sparse', 1);
  write('trace.csv', formatTrace({ name, jobs: jobs.slice(0, 90) }));
  write('even.csv', `arrival_s,service_s\n${Array.from({ length: 75 }, (_, n) => `${n * 4},3.5\n`).join('')}`);
  write('few.csv', 'arrival_s,service_s\n0,3\n1,3\n300,3\n');
  write('slow.csv', 'arrival_s,service_s\n0,3.5\n1,3.5\n2,9\n60,8.2\n');
  write('empty.csv', '');
  write('none.csv', 'arrival_s,service_s\n');
  write('unsorted.csv', 'arrival_s,service_s\n5,1\n4,1\n');
  write('negative.csv', 'arrival_s,service_s\n0,1\n-4,1\n');
  write('unknown.csv', 'arrival_s,service_s,colour\n0,1,red\n');
});
afterAll(() => cli.close());

const plan = async (...args: string[]): Promise<Plan & Record<string, unknown>> =>
  (await cli.json('plan', '--start-seconds', '3', ...args)) as unknown as Plan & Record<string, unknown>;

test('a trace and a target: what is recommended, the frontier, others, and the bound as JSON', async () => {
  const result = await plan('--trace', 'trace.csv', '--slo', 'p95=8s', '--price', '1.10');
  const run = {
    policy: expect.any(String) as string,
    settings: expect.any(Object) as object,
    usd_per_hour: expect.any(Number) as number,
    gpu_seconds_per_hour: expect.any(Number) as number,
    p95_s: expect.any(Number) as number,
  };
  expect(result).toMatchObject({ simulated: true, met: true, recommended: run, price_usd_per_hour: 1.1, start_s: 3, source: 'trace.csv' });
  expect(result.frontier.length).toBeGreaterThan(5);
  for (const one of result.frontier) expect(one).toMatchObject(run);
  expect(result.peers.map(({ name }) => name)).toContain('Knative');
  expect(result.lower_bound_usd_per_hour).toBeGreaterThan(0);
  expect(result.lower_bound_usd_per_hour).toBeLessThanOrEqual(result.recommended!.usd_per_hour!);

  // The figures are those of `comfleet simulate` with the same settings.
  const { policy, settings, usd_per_hour, p95_s, span_s } = result.frontier.find(({ settings: own }) => Object.keys(own).length > 1)!;
  const own = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const given = ['--policy', policy, '--settings', own.join(','), '--price', '1.10', '--slo', 'p95=8s', '--start-seconds', '3'];
  const simulated = (await cli.json('simulate', '--trace', 'trace.csv', ...given)) as unknown as {
    usd: number;
    latency_s: { p95: number };
  };
  expect(simulated.latency_s.p95).toBe(p95_s);
  expect(usd_per_hour).toBeCloseTo((simulated.usd * 3600) / span_s, 5);
});

test('the number of threads changes nothing, and the seed what is drawn', async () => {
  const args = ['--closed-loop', 'users=2,wait=1-5', '--seconds', '60', '--slo', 'p80=9s'];
  const one = await plan(...args, '--threads', '1');
  expect(await plan(...args, '--threads', '3')).toEqual(one);
  expect((await plan(...args, '--seed', '2')).runs).not.toEqual(one.runs);
});

test('for people: the recommendation, the frontier, others, the next dollar, all of it simulated; progress on a terminal', async () => {
  const { code, out, err } = await cli.comfleet([
    'plan',
    '--trace',
    'trace.csv',
    '--slo',
    'p95=8s',
    '--start-seconds',
    '3',
    '--price',
    '1.10',
  ]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^.+ is the cheapest of \d+ settings that meets p95=8s: \$0\.\d\d\/h, p50 .* \(simulated\)\.\n/);
  expect(out).toMatch(/\$ per hour +p50 +p95 +in time +settings\n/);
  expect(out).toMatch(/<- recommended\n/);
  expect(out).toMatch(/\n\d+\.\d\d +.* \d\.\d\d x +Knative\n/);
  expect(out).toMatch(/\nThe next dollar: \$0\.\d+ more per hour takes \d\.\d s off p95, with /);
  expect(out).toMatch(/\nLower bound, .*: \$0\.\d+\/h; recommended is \d\.\d\d x that\.\n/);

  const err2 = { ...screenOf(), isTTY: true, columns: 80 };
  const terminal = { env: {}, cwd: cli.folder, out: screenOf(), err: err2 };
  await cli.comfleet(['plan', '--trace', 'few.csv', '--slo', 'p95=30s'], { machine: { terminal } });
  expect(err2.text).toMatch(/simulating █+░+ \d+ %.*simulating █{30} 100 %/s);
  expect(err2.text.endsWith('\r\u001B[2K')).toBe(true);
});

test('a report: one page with the chart, the frontier and others, without a script; the chart as files', async () => {
  const args = ['--trace', 'trace.csv', '--slo', 'p95=8s', '--start-seconds', '3', '--price', '1.10'];
  const ran = await cli.comfleet(['plan', ...args, '--html', 'plan.html', '--charts', 'charts']);
  expect([ran.code, ran.err]).toEqual([0, '']);
  const page = readFileSync(path.join(cli.folder, 'plan.html'), 'utf8');
  expect(page).toMatch(/<p class="sentence">.+ is the cheapest of \d+ settings that meets p95=8s: \$0\.\d\d\/h, .* \(simulated\)\.<\/p>/);
  expect(page.match(/<svg /g)).toHaveLength(1);
  for (const text of [
    '>target: p95 8 s<',
    '>lower bound<',
    '>frontier<',
    '>others&#39; defaults<',
    '>Ray Serve<',
    ', recommended</td>',
    'The next dollar: $0.',
  ])
    expect(page).toContain(text);
  expect(page.match(/<tr class="chosen">/g)).toHaveLength(1);
  expect(page).toMatch(/<td>Knative \(concurrency\)<\/td>.*<td class="figure">\d\.\d\d x<\/td>/);
  expect(page).not.toMatch(/<script|NaN|undefined|https?:\/\/(?!www\.w3\.org)/);
  expect(readdirSync(path.join(cli.folder, 'charts')).toSorted()).toEqual(['plan.png', 'plan.svg']);

  // Without a price, for another share than the axis', nothing recommended, and no bound: the page says so.
  const users = ['--closed-loop', 'users=2,wait=1-5', '--seconds', '60', '--slo', 'p80=9s', '--budget', '0.01', '--html', 'none.html'];
  expect((await cli.comfleet(['plan', ...users])).code).toBe(0);
  const none = readFileSync(path.join(cli.folder, 'none.html'), 'utf8');
  expect(none).toContain('No setting costs as little as $0.01/h');
  expect(none).toContain('No lower bound: the jobs of users who wait depend on their answers.');
  expect(none).not.toMatch(/>target: |>lower bound<|, recommended|NaN|undefined/);
  const refused = await cli.comfleet(['plan', ...users.slice(0, -1), 'no/plan.html']);
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('no/plan.html cannot be written')]);
});

test('what a job takes outside the GPU counts as time of its users, and is told', async () => {
  const args = ['--trace', 'even.csv', '--slo', 'p80=20s'];
  const [none, some] = [await plan(...args), await plan(...args, '--outside-seconds', '2')];
  expect([none.outside_s, some.outside_s]).toEqual([0, 2]);
  expect(some.reachable_s - none.reachable_s).toBeCloseTo(2, 9);
  expect(some.notes.at(-1)).toContain('each job takes 2 s outside the GPU.');
});

test('users who wait, with the price of the profile; no bound, and why', async () => {
  const args = ['--closed-loop', 'users=3,wait=1-5', '--seconds', '120', '--slo', 'p90=8s'];
  expect(await plan(...args)).toMatchObject({ source: '3 users', price_usd_per_hour: 1.1, lower_bound_usd_per_hour: null });
  const { out } = await cli.comfleet(['plan', ...args]);
  expect(out).toContain('The users ask for 2 min; of the first 24 s, while settings come into their stride, nothing is counted.');
  expect(out).toContain('No lower bound: the jobs of users who wait depend on their answers.');
});

test('nothing meets the target: the nearest is shown, and what would do', async () => {
  const { out, code } = await cli.comfleet(['plan', '--trace', 'few.csv', '--slo', 'p95=6s']);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^Made from 3 jobs: .*\nNone of \d+ settings meets p95=6s\.\n.* comes nearest: .*\np95=23s is reachable, with .*\nA standing floor of 2 containers/,
  );
  expect(out).not.toContain('recommended');
  expect(out).toContain(' <- nearest, but misses the target\n');
  const page = ['--trace', 'few.csv', '--slo', 'p95=5s', '--html', 'missed.html'];
  expect(await plan(...page)).toMatchObject({ recommended: null, nearest: { meets: false }, met: false, next_dollar: null });
  const html = readFileSync(path.join(cli.folder, 'missed.html'), 'utf8');
  expect(html).toContain(', nearest, but misses the target</td>');
  expect(html).not.toMatch(/, recommended|class="chosen"/);
});

test('a budget below one GPU', async () => {
  const args = ['plan', '--trace', 'even.csv', '--slo', 'p80=20s', '--budget', '1', '--price', '1.10'];
  const { out, code } = await cli.comfleet(args);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^No setting costs as little as \$1\/h \(one GPU all the time: \$1\.1\/h\); the cheapest is .*\. Meeting p80=20s costs \$/,
  );
});

test('--apply writes it to the deployment, and tells what changed', async () => {
  await cli.comfleet(['scale', 'portrait', 'scaledown_window=5m', 'buffer_containers=2']);
  const args = ['plan', '--trace', 'trace.csv', '--start-seconds', '3', '--slo', 'p95=8s', '--apply'];
  const { out } = await cli.comfleet([...args, 'portrait']);
  expect(out).toMatch(/Applied to portrait\nsetting +before +now\n/);
  expect(out).toMatch(/\nbuffer_containers +2 +0\n/);
  expect(out).toMatch(/\nslo\.latency +6s +8s\n/);
  const bare = await cli.comfleet(['plan', '--trace', 'trace.csv', '--start-seconds', '3', '--slo', 'p95=8s', '--json', '--apply']);
  expect(bare.err).toBe('What is recommended will be applied to collage@production, which serves POST /\n');
  const { recommended, applied } = JSON.parse(bare.out) as Plan & Record<string, unknown>;
  expect(applied).toMatchObject({
    deployment: 'collage@production',
    now: { policy: recommended?.policy, slo: { p: 0.95, latency: '8s' } },
  });
  expect(cli.world.deployments.get('collage').scaling.policy).toBe(recommended?.policy);

  const missed = await cli.comfleet(['plan', '--trace', 'few.csv', '--slo', 'p95=6s', '--apply']);
  expect(missed.code).toBe(2);
  expect(missed.err).toMatch(/Nothing was applied: Made from 3 jobs: .* None of \d+ settings meets p95=6s\./);
  const few = await cli.comfleet(['plan', '--trace', 'few.csv', '--slo', 'p95=30s', '--apply', 'portrait']);
  expect([few.code, few.err]).toEqual([2, expect.stringContaining('Nothing was applied: Made from 3 jobs: of fewer than 20')]);
});

test.each([
  [['--trace', 'slow.csv', '--slo', 'p75=5s'], 2, '--slo p75=5s cannot be met by any fleet: only 50.0 % of the jobs'],
  [['--trace', 'slow.csv', '--slo', 'p75=5s'], 2, 'the lowest that is possible is p75=8.2s'],
  [['--trace', 'empty.csv'], 1, 'empty.csv is empty; it begins with the line arrival_s,service_s'],
  [['--trace', 'none.csv'], 1, 'none.csv has no jobs'],
  [['--trace', 'unsorted.csv'], 1, 'unsorted.csv:3 arrival_s 4 comes after 5 of an earlier line: sort the lines'],
  [['--trace', 'negative.csv'], 1, 'negative.csv:3 arrival_s must be a number of seconds >= 0, got "-4"'],
  [['--trace', 'unknown.csv'], 1, 'unknown.csv:1 has an unknown column "colour"; known are arrival_s,'],
  [['--trace', 'missing.csv'], 2, 'There is no file missing.csv'],
  [[], 2, 'Give either --workload NAME or --trace FILE'],
  [['--workload', 'sparse', '--slo', 'fast'], 2, '--slo fast is no latency target'],
  [['--workload', 'sparse', '--budget', '-1'], 2, '--budget must be a number >= 0, got "-1"'],
  [['--workload', 'sparse', '--apply'], 2, 'Say which deployment these settings are for: --apply DEPLOYMENT'],
  [['--workload', 'sparse', '--start-seconds', '1e9'], 2, '--start-seconds must be at most 3600, got 1000000000'],
  [['--workload', 'sparse', '--outside-seconds', '3601'], 2, '--outside-seconds must be at most 3600, got 3601'],
  [['--workload', 'sparse', '--load-seconds', '3601'], 2, '--load-seconds must be at most 3600, got 3601'],
  [['--workload', 'sparse', '--price', '1e308'], 2, '--price must be at most 1000, got 1e+308'],
  [['--workload', 'sparse', '--budget', '1e7'], 2, '--budget must be at most 1000000, got 10000000'],
  [['--workload', 'sparse', '--horizon', '1e9'], 2, '--horizon must be at most 2678400, got 1000000000'],
  [['--closed-loop', 'users=1000000,wait=1'], 2, '--closed-loop users must be at most 10000, got 1000000'],
  [['--closed-loop', 'users=1,wait=1-100000'], 2, '--closed-loop wait must be at most 86400, got 100000'],
  [['--closed-loop', 'users=1,wait=1', '--seconds', '1e6'], 2, '--seconds must be at most 604800, got 1000000'],
  [['--workload', 'sparse', '--threads', 'two'], 2, '--threads must be a whole number >= 0, got "two"'],
])('%j is refused (%i): %s', async (args, expected, message) => {
  const { code, err } = await cli.comfleet(['plan', ...args]);
  expect(err).toContain(message);
  expect(code).toBe(expected);
});
