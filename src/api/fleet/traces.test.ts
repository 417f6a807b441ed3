import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTrace } from '../../planning/trace-file.ts';
import { requestOf, resultOf, started, submitted, t0 } from '../../../test/contract/store-samples.ts';
import { createApiWorld, type ApiWorld } from '../../../test/support/api.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld();
});
afterEach(() => world.app.close());

const get = (query = '', headers: Record<string, string> = {}) =>
  world.app.inject({ url: `/fleet/v1/deployments/collage/trace${query}`, headers: { host: '127.0.0.1:8288', ...headers } });

/** A job that came `at` milliseconds after the deployment began, with its GPU time. */
async function ran(id: string, at: number, gpuMs: number, key: string | null): Promise<void> {
  const { store } = world.context;
  await submitted(store, id, { key, modelKey: 'a.safetensors|b, c.safetensors' }, t0 + at);
  const { token } = await started(store, id, 'c', t0 + at);
  await store.finishAttempt(resultOf(id, token, { at: t0 + at + 5_000, outputs: [], gpuMs }));
}

test('is what came, in seconds since the deployment began, under pseudonyms of the keys', async () => {
  await ran('a', 1_000, 3_000, 'key-1');
  await ran('b', 2_500, 5_000, 'key-2');
  await ran('c', 4_000, 4_000, 'key-1');
  await submitted(world.context.store, 'queued', {}, t0 + 9_000);
  await world.clock.runFor(60_000);
  const csv = await get();
  expect([csv.statusCode, csv.headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
  expect(csv.body).not.toMatch(/key-\d/);
  const { jobs } = parseTrace(csv.body, 'trace');
  expect(jobs.map(({ arrivalMs, serviceMs }) => [arrivalMs, serviceMs])).toEqual([
    [1_000, 3_000],
    [2_500, 5_000],
    [4_000, 4_000],
    // Never ran: the mean of its class.
    [9_000, 4_000],
  ]);
  const users = jobs.map(({ user }) => user);
  expect([users[0] === users[2], users[0] === users[1], users[3]]).toEqual([true, false, null]);
  expect(jobs[0]).toMatchObject({ model: 'a.safetensors|b, c.safetensors', workflow: jobs[3]?.workflow });
  const lines = await get('', { accept: 'application/x-ndjson' });
  expect(lines.headers['content-type']).toBe('application/x-ndjson');
  expect(parseTrace(lines.body, 'trace').jobs).toEqual(jobs);
  expect((await get('?format=jsonl')).body).toBe(lines.body);
  // The same key has the same name in every trace.
  expect(parseTrace((await get('?since=58s&until=55s')).body, 'trace').jobs).toEqual([
    { ...jobs[1], arrivalMs: 500 },
    { ...jobs[2], arrivalMs: 2_000 },
  ]);
});

test('nothing has run yet: half the latency target stands for what a job takes', async () => {
  await submitted(world.context.store, 'queued', { graph: requestOf().graph }, t0 + 1);
  await world.clock.runFor(1_000);
  expect(parseTrace((await get()).body, 'trace').jobs).toMatchObject([{ arrivalMs: 1, serviceMs: 3_000 }]);
});

test('a day alone is its midnight, UTC', async () => {
  await ran('a', 1_000, 3_000, null);
  await world.clock.runFor(60_000);
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  expect((await get(`?since=${day(t0)}`)).body).toBe((await get()).body);
  expect((await get(`?since=${day(t0)}`)).statusCode).toBe(200);
  expect((await get(`?since=${day(t0)}&until=${day(t0)}`)).body).toContain('must lie before until');
});

test('a window without jobs is the header alone', async () => {
  expect((await get('?since=1h')).body).toBe('arrival_s,service_s,model,user,workflow\n');
});

test('pages of thousands follow one another', async () => {
  const { store } = world.context;
  await Promise.all(Array.from({ length: 2_345 }, (_, n) => submitted(store, `job-${n}`, {}, t0 + n)));
  await world.clock.runFor(10_000);
  const { jobs } = parseTrace((await get()).body, 'trace');
  expect(jobs.map(({ arrivalMs }) => arrivalMs)).toEqual(Array.from({ length: 2_345 }, (_, n) => n));
});

test.each([
  ['?since=soon', 'since: must be a time like 2030-01-31T12:00:00Z, or a duration like 24h'],
  ['?since=1h&until=2h', 'since: must lie before until'],
])('%s is refused', async (query, detail) => {
  await world.clock.runFor(3 * 3_600_000);
  const answer = await get(query);
  expect([answer.statusCode, answer.json()]).toMatchObject([400, { code: 'invalid_parameter', detail }]);
});

test('only admins get it', async () => {
  const { secret } = await world.context.keys.create('caller', 'invoke');
  expect((await get('', { authorization: `Bearer ${secret}` })).statusCode).toBe(403);
});
