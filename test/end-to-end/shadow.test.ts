import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseTrace } from '../../src/planning/trace-file.ts';
import { Caller, type Json } from './caller.ts';
import { comfleet, drawWith, Program } from './program.ts';

/** What came to a deployment, told as a trace and replayed with other settings. */

let program: Program;
let caller: Caller;
const shadow = '/fleet/v1/deployments/draw/shadow';

beforeAll(async () => {
  program = await Program.up({ config: { ...drawWith({ scaling: { slo: { latency: '3s' } } }), shadow: { every: '1s' } } });
  caller = new Caller(program);
  // Eight at a time, each 0.1 s on the GPU.
  for (let round = 0; round < 4; round++) {
    const ids = await Promise.all(Array.from({ length: 8 }, () => caller.submit({ steps: 10 })));
    for (const id of ids) await caller.ended(id);
  }
});
afterAll(() => program.remove());

test('the trace has every job with its time on the GPU, and simulate reads it', async () => {
  const { status, body, headers } = await caller.ask('GET', '/fleet/v1/deployments/draw/trace');
  expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
  const { jobs } = parseTrace(body.toString(), 'trace');
  expect(jobs).toHaveLength(32);
  // As long as the sampler at least, but for where the gateway was too busy to hear when it began; how much more is the machine's.
  const quartile = jobs.map(({ serviceMs }) => serviceMs).sort((one, other) => one - other)[8];
  expect(quartile).toBeGreaterThanOrEqual(90);
  expect(new Set(jobs.map(({ model, workflow }) => `${model} ${workflow}`)).size).toBe(1);
  const written = await comfleet(['trace', 'draw', '--url', program.url, '--output', 'draw.csv'], { cwd: program.folder });
  expect([written.code, written.err]).toEqual([
    0,
    expect.stringMatching(/^32 jobs in draw\.csv\n.*plan --trace draw\.csv --outside-seconds 0\.\d+ --start-seconds /) as string,
  ]);
  const simulated = await comfleet(['simulate', '--trace', 'draw.csv', '--json'], { cwd: program.folder });
  expect(JSON.parse(simulated.out)).toMatchObject({ jobs: 32 });
});

test('a replay tells what was measured, what other settings would cost, and what to change', async () => {
  let view: Json;
  await expect.poll(async () => (view = await caller.get(shadow)).result?.measured.jobs, { timeout: 60_000, interval: 200 }).toBe(32);
  const { result } = view;
  expect(view).toMatchObject({ deployment: 'draw', environment: 'production', state: 'ready', note: null });
  expect([result.window.jobs, typeof result.measured.attainment]).toEqual([32, 'number']);
  expect(result.price_usd_per_hour).toBe(3.6);
  const names = result.runs.map(({ name }: Json) => name as string);
  expect(names.slice(0, 5)).toEqual(['now', 'slo', 'per-input-5m', 'concurrency', 'request-count']);
  for (const run of result.runs) expect(run.usd_per_hour).toBeGreaterThan(0);
  // The bound holds for whatever meets the target.
  for (const { meets, gpu_seconds } of result.runs) if (meets) expect(gpu_seconds).toBeGreaterThanOrEqual(result.bound.gpu_seconds);
  expect(result.bound.ratio).toBeCloseTo(result.runs[0].gpu_seconds / result.bound.gpu_seconds);
  expect(result.sentence).toMatch(/p95 of 3 s.*\(simulated on the last \d+ min\)\.$/);
  const metrics = (await caller.ask('GET', '/metrics')).body.toString();
  expect(metrics).toMatch(/comfleet_slo_attainment\{deployment="draw",environment="production"\} [\d.]+/);
  expect(metrics).toMatch(/comfleet_shadow_usd_per_hour\{deployment="draw",environment="production",policy="slo"\} [\d.]+/);
});

test('where nothing came there is nothing to replay, and it says so', async () => {
  const view = await caller.get('/fleet/v1/deployments/tint/shadow');
  expect(view).toMatchObject({ state: 'waiting', note: '0 jobs came lately, and a replay needs at least 20', result: null });
  expect((await caller.ask('GET', '/fleet/v1/deployments/none/shadow')).json).toMatchObject({ status: 404, code: 'unknown_deployment' });
});

test('both are for admins only', async () => {
  const created = await caller.ask('POST', '/fleet/v1/keys', { body: { name: 'caller', role: 'invoke' } });
  const invoker = new Caller(program, created.json.secret as string);
  for (const path of [shadow, '/fleet/v1/deployments/draw/trace']) {
    expect([path, (await invoker.ask('GET', path)).json]).toMatchObject([path, { status: 403, code: 'forbidden' }]);
  }
});

test('the gateway ends at once while replays go on', async () => {
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0 });
});
