import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Caller, type Json } from './caller.ts';
import { comfleet, drawWith, Program } from './program.ts';

/** What a job promises: once per key, seeds that are kept, ends on request and in time. */

let program: Program;
let caller: Caller;

beforeAll(async () => {
  program = await Program.up({ config: drawWith({ execution_timeout: '2s', scaling: { max_containers: 3 } }) });
  caller = new Caller(program);
});
afterAll(() => program.remove());

const post = (body: object, headers: Record<string, string> = {}) => caller.ask('POST', '/', { body, headers });
const idOf = (answer: { headers: Headers }): string => answer.headers.get('x-comfleet-job-id') ?? '';

describe('Idempotency-Key', () => {
  test('the same request again is answered by the same job', async () => {
    const first = await post({ prompt: 'once' }, { 'idempotency-key': 'a' });
    const again = await post({ prompt: 'once' }, { 'idempotency-key': 'a' });
    expect(idOf(again)).toBe(idOf(first));
    expect(first.headers.has('idempotency-replayed')).toBe(false);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.equals(first.body)).toBe(true);
    expect(await caller.job(idOf(first))).toMatchObject({ attempts: 1 });
  });

  test('while the job runs, the second request waits for it', async () => {
    const id = await caller.submit({ steps: 50 }, { 'idempotency-key': 'b' });
    const second = await post({ steps: 50 }, { 'idempotency-key': 'b' });
    expect([second.status, idOf(second)]).toEqual([200, id]);
  });

  test('many at the same moment are one job', async () => {
    const before = (await caller.jobs()).length;
    const answers = await Promise.all(Array.from({ length: 12 }, () => post({ prompt: 'all at once' }, { 'idempotency-key': 'c' })));
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers.filter(({ headers }) => !headers.has('idempotency-replayed'))).toHaveLength(1);
    expect((await caller.jobs()).length - before).toBe(1);
  });

  test('another body under the same key is refused, another deployment has keys of its own', async () => {
    const first = await post({ prompt: 'mine' }, { 'idempotency-key': 'd' });
    const other = await post({ prompt: 'another' }, { 'idempotency-key': 'd' });
    expect(other.json).toMatchObject({ status: 422, code: 'idempotency_mismatch', job: idOf(first) });
    const elsewhere = await caller.ask('POST', '/d/tint/', { body: {}, headers: { 'idempotency-key': 'd' } });
    expect(elsewhere.status).toBe(200);
    expect(idOf(elsewhere)).not.toBe(idOf(first));
  });
});

test('a seed is drawn and stored for each job that gives none; a given one is kept', async () => {
  const ids = await Promise.all([
    caller.submit({}),
    caller.submit({}),
    caller.submit({ seed: 42 }),
    caller.submit({ seed: '18446744073709551615' }),
  ]);
  const [one, two, given, largest] = (await Promise.all(ids.map((id) => caller.ended(id)))).map(({ inputs }) => inputs.seed);
  expect(Number.isSafeInteger(one)).toBe(true);
  expect(one).not.toBe(two);
  expect(given).toBe(42);
  expect(largest).toBe('18446744073709551615');
});

test('a seed beyond 2^53 is kept with all its digits, however it was sent', async () => {
  const seed = '18446744073709551615';
  const headers = { prefer: 'respond-async' };
  const sent = [
    caller.ask('POST', '/', { body: `{"seed":${seed}}`, headers: { ...headers, 'content-type': 'application/json' } }),
    caller.ask('POST', '/', { body: `seed=${seed}`, headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' } }),
    caller.ask('POST', '/fleet/v1/jobs', { body: `{"inputs":{"seed":${seed}}}`, headers: { 'content-type': 'application/json' } }),
  ];
  const ids = (await Promise.all(sent)).map(({ json }) => json.id as string);
  const ran = await comfleet(['run', 'draw', `seed=${seed}`, '--json', '-o', join(program.folder, 'seed.png')], {
    env: { COMFLEET_URL: program.url },
  });
  const jobs = [...(await Promise.all(ids.map((id) => caller.ended(id)))), JSON.parse(ran.out)];
  expect(jobs.map(({ state, inputs }: Json) => [state, inputs.seed])).toEqual(jobs.map(() => ['succeeded', seed]));
  const other = await caller.ended(await caller.submit({ seed: '18446744073709551614' }));
  expect(other.inputs.seed).toBe('18446744073709551614');
});

describe('cancelling', () => {
  test('a running job: its container ends the prompt and serves on', async () => {
    const id = await caller.submit({ steps: 150 });
    await caller.works(id);
    const answer = await caller.ask('POST', `/fleet/v1/jobs/${id}/cancel`);
    expect(answer.json).toMatchObject({ state: 'running', cancel_requested: true });
    const job = await caller.ended(id);
    expect(job).toMatchObject({ state: 'canceled', outputs: [], error: { code: 'canceled' } });
    expect(Date.parse(job.finished_at) - Date.parse(job.started_at)).toBeLessThan(1_500);
    const next = await post({});
    expect([next.status, next.headers.get('x-comfleet-container-id')]).toEqual([200, job.container]);
    expect((await caller.ask('GET', `/fleet/v1/jobs/${id}/result`)).json).toMatchObject({ status: 409, code: 'canceled' });
  });

  test('a queued job, and one whose container is still starting', async () => {
    const busy = await Promise.all([1, 2, 3].map(() => caller.submit({ steps: 100 })));
    await Promise.all(busy.map((id) => caller.works(id)));
    const id = await caller.submit({});
    const answer = await caller.ask('DELETE', `/fleet/v1/jobs/${id}`);
    expect(answer.json).toMatchObject({ state: 'canceled', attempts: 0, started_at: null });
    const starting = await caller.ask('POST', '/d/tint/', { body: {}, headers: { prefer: 'respond-async' } });
    expect((await caller.ask('DELETE', `/fleet/v1/jobs/${starting.json.id}`)).status).toBe(200);
    expect((await caller.ended(starting.json.id)).state).toMatch(/canceled|succeeded/);
    expect((await Promise.all(busy.map((job) => caller.ended(job)))).map(({ state }) => state)).toEqual(busy.map(() => 'succeeded'));
  });

  test('a finished job: 409, and it stays as it is', async () => {
    const id = idOf(await post({}));
    expect((await caller.ask('DELETE', `/fleet/v1/jobs/${id}`)).json).toMatchObject({ status: 409, code: 'job_finished' });
    expect((await caller.job(id)).state).toBe('succeeded');
  });
});

describe('time', () => {
  test('a deadline that passes while the job runs', async () => {
    const answer = await post({ steps: 150 }, { 'x-comfleet-deadline': '0.5' });
    expect(answer.json).toMatchObject({ status: 504, code: 'expired', job: idOf(answer), state: 'expired' });
    expect(await caller.job(idOf(answer))).toMatchObject({ state: 'expired', attempts: 1 });
  });

  test('a deadline that passes while the job waits', async () => {
    const busy = await Promise.all([1, 2, 3].map(() => caller.submit({ steps: 120 })));
    await Promise.all(busy.map((id) => caller.works(id)));
    const answer = await post({}, { 'x-comfleet-deadline': '0.2' });
    expect(answer.json).toMatchObject({ status: 504, code: 'expired' });
    expect(await caller.job(idOf(answer))).toMatchObject({ state: 'expired', attempts: 0 });
    await Promise.all(busy.map((id) => caller.ended(id)));
  });

  test('the execution timeout fails the job, and the container serves on', async () => {
    const answer = await post({ steps: 1000 });
    expect(answer.json).toMatchObject({ status: 504, code: 'timeout', next: expect.stringContaining('execution_timeout') as string });
    expect(await caller.job(idOf(answer))).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'timeout' } });
    expect((await post({})).status).toBe(200);
  });
});

describe('a client that goes away', () => {
  const leave = async (headers: Record<string, string>): Promise<string> => {
    const leaving = new AbortController();
    const before = new Set((await caller.jobs()).map(({ id }) => id));
    const asked = caller.ask('POST', '/', { body: { steps: 80 }, headers, signal: leaving.signal }).catch(() => null);
    const id = await caller.until(async () => (await caller.jobs()).find((job) => !before.has(job.id))?.id as string | undefined);
    await caller.works(id);
    leaving.abort();
    await asked;
    return id;
  };

  test('ends its job if it said so beforehand', async () => {
    const id = await leave({ 'x-comfleet-on-disconnect': 'cancel' });
    expect(await caller.ended(id)).toMatchObject({ state: 'canceled' });
  });

  test('leaves its job running otherwise', async () => {
    const id = await leave({});
    expect(await caller.ended(id)).toMatchObject({ state: 'succeeded', attempts: 1 });
    const metrics = (await caller.ask('GET', '/metrics')).body.toString();
    expect(metrics).toMatch(/^http_server_active_requests\{http_request_method="POST",http_route="\/"\} 0$/m);
  });
});
