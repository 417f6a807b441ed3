import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCli, type CliWorld } from '../../test/support/cli.ts';

let cli: CliWorld;
beforeAll(async () => {
  cli = await openCli();
});
afterAll(() => cli.close());

const options = (...args: string[]) => cli.json('experiment', 'options', ...args);

const names = ['option-1', 'option-2', 'option-3', 'scale-out', 'slo-10', 'slo-100'];
const number = expect.any(Number) as number;
const figures = {
  median_s: number,
  p95_s: number,
  first_answer_s: number,
  peak_containers: number,
  held_containers: number,
  usd_per_min: number,
  recovery_s: null,
};

test('as JSON: the figures of each experiment, and nothing else', async () => {
  const answer = await options();
  const shape = names.map((name) => ({ name, ...figures, recovery_s: ['scale-out', 'slo-100'].includes(name) ? number : null }));
  expect(answer).toEqual({ experiments: shape });
  expect((answer as unknown as { experiments: object[] }).experiments[0]).toMatchObject({ median_s: 4.4, peak_containers: 10 });
});

test('the seed decides', async () => {
  expect(await options('--only', 'slo-10', '--seed', '3')).toEqual(await options('--only', 'slo-10', '--seed', '3'));
  expect(await options('--only', 'slo-10', '--seed', '4')).not.toEqual(await options('--only', 'slo-10', '--seed', '3'));
});

test("for people: a table beside the article's figures, with every setting", async () => {
  const { code, out, err } = await cli.comfleet(['experiment', 'options']);
  expect([code, err]).toEqual([0, '']);
  for (const words of [
    /option-1 +4\.40 s +4\.40 s .*4\.4 s, 10 GPUs, \$0\.18/,
    /option-2 +3\d\.\d+ s .*32 s, 1 GPU, \$0\.02 +max_containers=1 max_inputs=10 target_inputs=10/,
    /option-3 .*first answers about 10 s sooner.* min_containers=5/,
    /scale-out .*62 GPUs/,
    /slo-100 .*policy=slo/,
    /3\.5 s on the GPU, 0\.9 s beside it .* starts of 15\.5 s, \$1\.10 a GPU-hour; 100 GPUs/,
    /10 users for 2 min, then 100 users for 10 min, the new ones spread over 18 s/,
    /scaledown_window=60s/,
    /price per hour \/ 60/,
  ])
    expect(out).toMatch(words);
});

test('a report: one page with charts of users, containers and latency, without a script', async () => {
  expect((await cli.comfleet(['experiment', 'options', '--html', 'options.html'])).code).toBe(0);
  const page = readFileSync(path.join(cli.folder, 'options.html'), 'utf8');
  for (const name of names) expect(page).toContain(`<h2>${name}</h2>`);
  for (const title of ['Latency, simulated, every 10 s of answers', 'Users', 'Containers', 'What 10 users cost, and how long they wait'])
    expect(page).toContain(`<title>${title}</title>`);
  expect(page.match(/<svg /g)).toHaveLength(3 * names.length + 2);
  expect(page).toMatch(/With nothing set but a target of 6 s: 10 users at p95 5\.\d s for \$0\.1\d a minute, \d\d % less/);
  expect(page).not.toMatch(/<script|NaN|undefined/);
});

test('charts: each as an SVG document and as a picture', async () => {
  expect((await cli.comfleet(['experiment', 'options', '--only', 'scale-out', '--charts', 'charts'])).code).toBe(0);
  const folder = path.join(cli.folder, 'charts');
  const files = ['containers', 'latency', 'users'].flatMap((chart) => [`scale-out-${chart}.png`, `scale-out-${chart}.svg`]);
  expect(readdirSync(folder).toSorted()).toEqual(files);
  const svg = await sharp(path.join(folder, 'scale-out-users.svg')).metadata();
  expect(await sharp(path.join(folder, 'scale-out-users.png')).metadata()).toMatchObject({ format: 'png', width: 2 * svg.width });
});

test('--help says what there is to try, and how figures are computed', async () => {
  const { code, out } = await cli.comfleet(['experiment', 'options', '--help']);
  expect(code).toBe(0);
  for (const words of [
    '--live',
    '--only <name>',
    'scale-out',
    '--html <file>',
    '$ comfleet experiment options --live --only slo-10',
    'Recovery: from the jump',
  ])
    expect(out).toContain(words);
});

test.each([
  [['--only', 'option1'], 'There is no experiment option1; did you mean option-1?'],
  [['--seed', 'x'], '--seed must be a whole number >= 0, got "x"'],
  [['--only', 'option-2', '--html', 'none/options.html'], 'none/options.html cannot be written'],
])('%j is not tried: %s', async (args, message) => {
  const { code, err } = await cli.comfleet(['experiment', 'options', ...args]);
  expect(err).toContain(message);
  expect(code).toBe(2);
});

test('charts go into a folder that is there or can be made, not into one below nothing', async () => {
  const { code, err } = await cli.comfleet(['experiment', 'options', '--only', 'option-1', '--charts', 'none/charts']);
  expect([code, err]).toEqual([2, expect.stringContaining('none/charts cannot be written') as string]);
});
