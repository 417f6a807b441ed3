import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Caller, isPng, pixels, serverTiming } from './caller.ts';
import { Program } from './program.ts';

/** From a prompt to a picture, in every way that the simple dialect offers. */

const noCurl = ((): boolean => {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
})();

let program: Program;
let caller: Caller;

beforeAll(async () => {
  program = await Program.up();
  caller = new Caller(program);
});
afterAll(() => program.remove());

test('the first prompt starts a container and is answered with a picture', async () => {
  expect(await caller.containers()).toEqual([]);
  const answer = await caller.ask('POST', '/', { body: { prompt: 'a regal phoenix' } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('image/png');
  expect(isPng(answer.body)).toBe(true);

  const job = await caller.job(answer.headers.get('x-comfleet-job-id') ?? '');
  const [container] = await caller.containers();
  expect(job).toMatchObject({ state: 'succeeded', attempts: 1, deployment: 'draw', error: null, lost_containers: 0 });
  expect(job.container).toBe(answer.headers.get('x-comfleet-container-id'));
  expect(container).toMatchObject({
    id: job.container,
    deployment: 'draw',
    state: 'ready',
    gpu: 'A10G',
    jobs_done: 1,
    runtime: 'emulated',
  });
  expect(Date.parse(container.ready_at)).toBeGreaterThanOrEqual(Date.parse(container.started_at) + 50);
});

test('Server-Timing has the four parts, disjoint, which sum to accepted-to-finished', async () => {
  const answer = await caller.ask('POST', '/', { body: { prompt: 'a heron', steps: 20 } });
  const parts = serverTiming(answer.headers);
  expect(Object.keys(parts)).toEqual(['queue', 'cold', 'run', 'store']);
  const job = await caller.job(answer.headers.get('x-comfleet-job-id') ?? '');
  const whole = Date.parse(job.finished_at) - Date.parse(job.created_at);
  // Times on the wire are whole milliseconds, parts are tenths.
  expect(Math.abs(Object.values(parts).reduce((sum, part) => sum + part, 0) - whole)).toBeLessThanOrEqual(2);
  expect(parts['run']).toBeGreaterThanOrEqual(200);
  expect(parts['cold']).toBe(0);
  expect(job.timing).toMatchObject({ cold_ms: 0 });
});

test('Accept: application/json is answered with the job and its outputs', async () => {
  const answer = await caller.ask('POST', '/', { body: { prompt: 'an owl' }, headers: { accept: 'application/json' } });
  expect(answer.status).toBe(200);
  const { outputs, state, inputs, usage } = answer.json;
  expect(state).toBe('succeeded');
  expect(inputs.prompt).toBe('an owl');
  expect(outputs).toMatchObject([{ index: 0, node: '7', kind: 'image', mime: 'image/png' }]);
  expect(usage).toMatchObject({ gpu: 'A10G', share: 1 });
  // 3.6 dollars per hour are a tenth of a cent per second.
  expect(usage.usd).toBeCloseTo(usage.container_seconds / 1000, 6);
  const file = await caller.ask('GET', outputs[0].url);
  expect(isPng(file.body)).toBe(true);
  expect(file.body.length).toBe(outputs[0].bytes);
  expect((await caller.ask('GET', `/fleet/v1/jobs/${answer.json.id}/outputs/1`)).json.code).toBe('unknown_output');
});

test('Prefer: respond-async is answered with 202 and where to look; events tell how it goes; then there is a result', async () => {
  const accepted = await caller.ask('POST', '/', { body: { steps: 10 }, headers: { prefer: 'respond-async' } });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get('location') ?? '';
  expect(location).toBe(`/fleet/v1/jobs/${accepted.json.id}`);
  const events = [];
  for await (const event of caller.events(`${location}/events`)) events.push(event);
  const durable = events.filter(({ id }) => id !== null);
  expect(durable.map(({ type }) => type)).toEqual(['queued', 'started', 'succeeded']);
  expect(durable.map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(events.filter(({ type }) => type === 'progress').length).toBeGreaterThan(0);
  expect(events.some(({ type }) => type === 'executing')).toBe(true);

  const rest = [];
  for await (const event of resumed(`${location}/events`, '2')) rest.push(event);
  expect(rest).toEqual(['succeeded']);
  const result = await caller.ask('GET', `${location}/result`);
  expect(result.status).toBe(200);
  expect(isPng(result.body)).toBe(true);
});

async function* resumed(path: string, after: string): AsyncGenerator<string> {
  const { body } = await caller.ask('GET', path, { headers: { 'last-event-id': after } });
  for (const [, type] of body.toString().matchAll(/^event: (\w+)$/gm)) if (type !== undefined) yield type;
}

describe('Prefer: wait', () => {
  test.each([
    [0, 20],
    [1, 130],
  ])('wait=%i of a longer job is answered with 303 to its result', async (seconds, steps) => {
    const answer = await caller.ask('POST', '/', { body: { steps }, headers: { prefer: `wait=${seconds}` } });
    expect(answer.status).toBe(303);
    const id = answer.headers.get('x-comfleet-job-id') ?? '';
    expect(answer.headers.get('location')).toBe(`/fleet/v1/jobs/${id}/result`);
    expect(answer.json.state).toMatch(/queued|running/);
    const result = await caller.ask('GET', answer.headers.get('location') ?? '');
    expect(result.status).toBe(200);
    expect(isPng(result.body)).toBe(true);
    expect(result.headers.get('x-comfleet-job-id')).toBe(id);
  });
});

test.skipIf(noCurl)('the line to try ends with the picture, however often it is told to wait on', async () => {
  const [{ try: line }] = (await caller.get('/')).deployments;
  const longer = line.replace(`-d '{`, `-d '{"steps":250,`);
  expect(longer).not.toBe(line);
  const command = `${longer} -H 'prefer: wait=1' -w '%{http_code} %{num_redirects}'`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { cwd: program.folder });
  const [status, redirects] = stdout.split(' ').map(Number);
  expect(status).toBe(200);
  expect(redirects).toBeGreaterThan(1);
  expect(isPng(readFileSync(join(program.folder, 'output')))).toBe(true);
});

test('the same inputs and seed make the same picture, another seed another one', async () => {
  const picture = async (seed: number) => pixels((await caller.ask('POST', '/', { body: { prompt: 'a fox', seed } })).body);
  const [first, again, other] = [await picture(7), await picture(7), await picture(8)];
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test('other deployments answer under /d/NAME/, with pictures of the caller as upload, base64 and form', async () => {
  const { body } = await caller.ask('POST', '/', { body: { prompt: 'a background' } });
  const upload = await caller.ask('POST', '/fleet/v1/uploads', { body, headers: { 'content-type': 'image/png' } });
  expect(upload.status).toBe(201);
  const form = new FormData();
  form.append('background', new Blob([new Uint8Array(body)]), '../../etc/passwd.png');
  form.append('strength', '0.4');
  const made = [
    await caller.ask('POST', '/d/tint/', { body: { background: upload.json.asset } }),
    await caller.ask('POST', '/d/tint/', { body: { background: { data: body.toString('base64') } } }),
    await caller.ask('POST', '/d/tint/', { body: form }),
  ];
  expect(made.map(({ status }) => status)).toEqual([200, 200, 200]);
  const pictures = new Set(await Promise.all(made.map((answer) => pixels(answer.body))));
  expect(pictures.size).toBe(1);
  const usual = await caller.ask('POST', '/d/tint/', { body: {} });
  expect(usual.status).toBe(200);
  expect(pictures).not.toContain(await pixels(usual.body));
});

test('it says what it is: probes, health, metrics, dashboard, the list of deployments', async () => {
  expect((await caller.ask('GET', '/readyz')).status).toBe(200);
  expect((await caller.ask('GET', '/livez')).status).toBe(200);
  expect((await caller.get('/fleet/v1/health')).runtime).toMatchObject({ name: 'emulated' });
  expect((await caller.ask('GET', '/metrics')).body.toString()).toMatch(/^comfleet_jobs\w*\{[^}]*deployment="draw"/m);
  expect(((await caller.get('/fleet/v1/deployments')) as { items: { name: string }[] }).items.map(({ name }) => name).sort()).toEqual([
    'draw',
    'tint',
  ]);
  expect((await caller.get('/fleet/v1/usage')).items[0]).toMatchObject({ deployment: 'draw', gpu: 'A10G' });
});
