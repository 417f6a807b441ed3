import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Caller, type Json } from './caller.ts';
import { drawWith, Program } from './program.ts';

/** Containers follow the traffic, and settings take effect while they run. */

let program: Program;
let caller: Caller;

beforeAll(async () => {
  program = await Program.up({ config: drawWith({ scaling: { scaledown_window: '60s' } }) });
  caller = new Caller(program);
});
afterAll(() => program.remove());

const usual = { min_containers: 0, max_containers: null, buffer_containers: 0, scaledown_window: '60s', max_inputs: 1 };
const empty = () => caller.until(async () => (await caller.containers()).length === 0);

/** Each test begins without a container. */
beforeEach(async () => {
  await caller.scale({ ...usual, scaledown_window: '0s' });
  await empty();
  await caller.scale(usual);
});

const submit = (number: number, inputs: Json) => Promise.all(Array.from({ length: number }, () => caller.submit(inputs)));
const ended = (ids: readonly string[]) => Promise.all(ids.map((id) => caller.ended(id)));

test('ten clients get ten containers, which go again after the scaledown window', async () => {
  await caller.scale({ scaledown_window: '1s' });
  const before = (await caller.containers(true)).length;
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, number) => caller.ask('POST', '/', { body: { prompt: `client ${number}`, steps: 150 } })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  const used = new Set(answers.map(({ headers }) => headers.get('x-comfleet-container-id')));
  expect(used.size).toBe(10);

  await empty();
  // The end of a container is stored a moment after it has left the list of living ones; nothing tells when.
  await expect.poll(async () => (await caller.containers(true)).filter(({ state }) => state === 'draining')).toEqual([]);
  const all = await caller.containers(true);
  expect(all.length - before).toBe(10);
  const jobs = new Map((await caller.jobs()).map((job) => [job.container, job]));
  for (const container of all.filter(({ id }) => used.has(id))) {
    expect(container).toMatchObject({ state: 'stopped', jobs_done: 1, failure: null });
    expect(container.stop_reason).not.toBe('');
    expect(Date.parse(container.stopped_at) - Date.parse(jobs.get(container.id).finished_at)).toBeGreaterThanOrEqual(995);
    expect(container.seconds.busy).toBeGreaterThanOrEqual(1.5);
    expect(container.seconds.starting).toBeGreaterThanOrEqual(0.05);
  }
});

test('min_containers are kept ready without a job', async () => {
  expect((await caller.scale({ min_containers: 2 })).status).toBe(200);
  const ready = await caller.until(async () => {
    const containers = await caller.containers();
    return containers.filter(({ state }) => state === 'ready').length === 2 && containers;
  });
  expect(ready).toHaveLength(2);
  const answer = await caller.ask('POST', '/', { body: {} });
  expect(answer.headers.get('server-timing')).toContain('cold;dur=0,');
});

test('buffer_containers stand by beside those that work', async () => {
  await caller.scale({ buffer_containers: 1 });
  const id = await caller.submit({ steps: 9000 });
  await caller.until(async () => {
    const states = (await caller.containers()).map(({ state }) => state as string).sort();
    return states.join() === 'busy,ready';
  });
  await caller.ask('DELETE', `/fleet/v1/jobs/${id}`);
  expect((await caller.ended(id)).state).toBe('canceled');
});

test('max_inputs queues several prompts in one container', async () => {
  await caller.scale({ max_inputs: 3, max_containers: 1 });
  const ids = await submit(4, { steps: 60 });
  const states = await caller.until(async () => {
    const jobs = await Promise.all(ids.map((id) => caller.job(id)));
    return jobs.filter(({ state }) => state === 'running').length === 3 && jobs;
  });
  expect(new Set(states.map(({ container }: Json) => container).filter(Boolean)).size).toBe(1);
  const waiting = states.find(({ state }: Json) => state === 'queued');
  expect(waiting.waiting_for).toMatch(/\w+/);
  const done = await ended(ids);
  expect(done.map(({ state, attempts }) => [state, attempts])).toEqual(ids.map(() => ['succeeded', 1]));
  expect(await caller.containers()).toHaveLength(1);
});

test('lowering max_containers while all are busy drains the surplus and fails no job', async () => {
  const ids = await submit(4, { steps: 120 });
  await Promise.all(ids.map((id) => caller.works(id)));
  expect((await caller.scale({ max_containers: 1 })).json.scaling.max_containers).toBe(1);
  await caller.until(async () => (await caller.containers()).filter(({ state }) => state === 'draining').length === 3);
  const more = await caller.submit({});
  const jobs = await ended([...ids, more]);
  expect(jobs.map(({ state, attempts, lost_containers }) => [state, attempts, lost_containers])).toEqual(
    jobs.map(() => ['succeeded', 1, 0]),
  );
  expect(await caller.containers()).toHaveLength(1);
});

test('lowering max_containers stops idle containers at once', async () => {
  await ended(await submit(3, { steps: 60 }));
  expect(await caller.containers()).toHaveLength(3);
  await caller.scale({ max_containers: 1 });
  await caller.until(async () => (await caller.containers()).length === 1);
});

test('the higher priority goes first, whatever came before', async () => {
  await caller.scale({ max_containers: 1 });
  const running = await caller.submit({ steps: 50 });
  await caller.works(running);
  const usualJob = await caller.submit({});
  const urgent = await caller.submit({}, { 'x-comfleet-priority': '10' });
  const [late, early] = await ended([usualJob, urgent]);
  expect(early.finished_at <= late.started_at).toBe(true);
});

describe('stopping a container by the API', () => {
  test('drains it: its job ends there', async () => {
    const id = await caller.submit({ steps: 60 });
    await caller.works(id);
    const { container } = await caller.job(id);
    const answer = await caller.ask('DELETE', `/fleet/v1/containers/${container}`);
    expect(answer.status).toBe(202);
    expect(answer.json.state).toBe('draining');
    expect(await caller.ended(id)).toMatchObject({ state: 'succeeded', attempts: 1, container });
    await empty();
    // Stored a moment after it has left the list of living ones; nothing tells when.
    await expect.poll(() => caller.get(`/fleet/v1/containers/${container}`)).toMatchObject({ state: 'stopped', jobs_done: 1 });
  });

  test('with force: its job is tried again on another one', async () => {
    const id = await caller.submit({ steps: 60 });
    await caller.works(id);
    const { container } = await caller.job(id);
    await caller.ask('POST', `/fleet/v1/containers/${container}/stop`, { body: { force: true, reason: 'a test' } });
    const job = await caller.ended(id);
    expect(job).toMatchObject({ state: 'succeeded', attempts: 2 });
    expect(job.container).not.toBe(container);
    const attempts = (await caller.get(`/fleet/v1/jobs/${id}/attempts`)) as { items: Json[] };
    expect(attempts.items.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
  });

  test('an unknown one is 404', async () => {
    expect((await caller.ask('DELETE', '/fleet/v1/containers/none')).json).toMatchObject({ status: 404, code: 'unknown_container' });
  });
});

test('every decision is recorded with its reason', async () => {
  await ended(await submit(2, { steps: 20 }));
  const { items } = (await caller.get('/fleet/v1/decisions?deployment=draw&limit=1000')) as { items: Json[] };
  expect(items.some(({ kind, data }) => kind === 'scale' && JSON.stringify(data).includes('"start":'))).toBe(true);
  expect(items.every(({ reason, hash }) => reason !== '' && hash !== '')).toBe(true);
});

test('a GPU limit of the workspace holds for all deployments together, and the API says what holds them', async () => {
  const limited = await Program.up({ config: { workspace: { gpu_limit: 2 } } });
  try {
    const caller = new Caller(limited);
    const ids = await Promise.all(Array.from({ length: 4 }, () => caller.submit({ steps: 40 })));
    const queue = await caller.until(async () => {
      const { queue } = await caller.get('/fleet/v1/deployments/draw');
      return queue.held_by !== null && queue;
    });
    expect(queue.held_by).toBe('gpu_limit');
    expect((await Promise.all(ids.map((id) => caller.ended(id)))).map(({ state }) => state)).toEqual(ids.map(() => 'succeeded'));
    expect(await caller.containers(true)).toHaveLength(2);
    // The other deployment gets its turn: an idle container of the first gives its slot away.
    expect((await caller.ask('POST', '/d/tint/', { body: {} })).status).toBe(200);
  } finally {
    await limited.remove();
  }
});

test('the overview says which setting was changed, from what to what', async () => {
  const was = (await caller.get('/fleet/v1/deployments/tint/scaling')).scaledown_window as string;
  await caller.scale({ scaledown_window: '7m' }, 'tint');
  await caller.scale({ scaledown_window: '8m' }, 'tint');
  const { events } = await caller.get('/fleet/v1/overview');
  const said = events.filter(({ kind }: Json) => kind === 'deployment').map(({ subject, sentence }: Json) => `${subject} ${sentence}`);
  expect(said.slice(0, 2)).toEqual(['tint scaledown_window from 7m to 8m', `tint scaledown_window from ${was} to 7m`]);
});
