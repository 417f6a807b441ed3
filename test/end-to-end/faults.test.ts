import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Caller, isPng } from './caller.ts';
import { drawWith, Program } from './program.ts';

/** Containers that fail in every way that the emulator knows. */

let program: Program;
let caller: Caller;
let container: string;

beforeAll(async () => {
  program = await Program.up({ config: drawWith({ scaling: { min_containers: 1, max_containers: 1 } }) });
  caller = new Caller(program);
});
afterAll(() => program.remove());

/** The one container that is ready, without a fault. */
const readyOne = () =>
  caller.until(async () => {
    const containers = await caller.containers();
    return containers.length === 1 && containers[0].state === 'ready' && (containers[0].id as string);
  });

beforeEach(async () => {
  container = await readyOne();
});

const post = (body: object) => caller.ask('POST', '/', { body });

test('crash: the job is tried again on another container, and the crash is on record', async () => {
  await caller.setFaults(container, { crash: true });
  const answer = await post({});
  expect(answer.status).toBe(200);
  const job = await caller.job(answer.headers.get('x-comfleet-job-id') ?? '');
  expect(job).toMatchObject({ attempts: 2, lost_containers: 1 });
  expect(job.container).not.toBe(container);
  const crashed = await caller.get(`/fleet/v1/containers/${container}`);
  expect(crashed).toMatchObject({ state: 'failed', jobs_done: 0 });
  expect(crashed.failure.message).toMatch(/crash|gone|lost/i);
});

test('a job that loses three containers stops, and says so', async () => {
  const id = await caller.submit({ steps: 9000 });
  for (let attempt = 1; attempt <= 3; attempt++) {
    const job = await caller.when(id, ({ state, attempts }) => state === 'running' && attempts === attempt);
    await caller.works(id);
    await caller.setFaults(job.container, { crash: true });
    // Whatever prompt it takes next ends it, and with it the one that runs.
    const url = await caller.containerUrl(job.container);
    await fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: tiny }) }).catch(() => null);
  }
  const job = await caller.ended(id);
  expect(job).toMatchObject({ state: 'failed', attempts: 3, lost_containers: 3, error: { code: 'containers_lost' } });
  expect((await post({})).status).toBe(200);
});

const tiny = {
  1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 1 } },
  2: { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};

test('out of memory: the job fails at once, its container serves on', async () => {
  await caller.setFaults(container, { outOfMemory: true });
  const answer = await post({});
  expect(answer.json).toMatchObject({ status: 500, code: 'out_of_memory' });
  expect(answer.json.error).toMatchObject({ code: 'out_of_memory', node: '5', class_type: 'KSampler' });
  expect(await caller.job(answer.json.job)).toMatchObject({ state: 'failed', attempts: 1, lost_containers: 0 });
  expect((await post({})).headers.get('x-comfleet-container-id')).toBe(container);
});

test('a socket that says nothing: the job is found finished all the same', async () => {
  await caller.setFaults(container, { silentSocket: true });
  const answer = await post({});
  expect(answer.status).toBe(200);
  expect(isPng(answer.body)).toBe(true);
  expect(await caller.job(answer.headers.get('x-comfleet-job-id') ?? '')).toMatchObject({ attempts: 1 });
  await caller.setFaults(container, {});
});

test('a picture that was cut short is never handed on: the job is tried again elsewhere', async () => {
  await caller.setFaults(container, { corruptFile: true });
  const answer = await post({ prompt: 'cut short' });
  expect((await sharp(answer.body).metadata()).format).toBe('png');
  const job = await caller.job(answer.headers.get('x-comfleet-job-id') ?? '');
  expect(job).toMatchObject({ state: 'succeeded', lost_containers: 1, attempts: 2 });
  // Whether its supervisor knows another reason is waited for.
  const failed = await caller.until(async () => {
    const one = await caller.get(`/fleet/v1/containers/${container}`);
    return one.state === 'failed' && one;
  });
  expect(failed.failure).toMatchObject({ code: 'container_lost', message: expect.stringContaining('cut short') });
});

test('a container that takes prompts and does not move them: its job can be cancelled, and it is stopped by hand', async () => {
  await caller.setFaults(container, { hang: true });
  const id = await caller.submit({});
  await caller.when(id, ({ state }) => state === 'running');
  await caller.ask('DELETE', `/fleet/v1/jobs/${id}`);
  expect(await caller.ended(id)).toMatchObject({ state: 'canceled', attempts: 1 });

  const next = await caller.submit({});
  await caller.when(next, ({ state }) => state === 'running');
  await caller.ask('DELETE', `/fleet/v1/containers/${container}?force=1`);
  const job = await caller.ended(next);
  expect(job).toMatchObject({ state: 'succeeded', attempts: 2 });
  expect(job.container).not.toBe(container);
});
