import { afterEach, describe, expect, test } from 'vitest';
import { startForeignServer } from '../support/foreign-server.ts';
import { Caller, isPng, type Json } from './caller.ts';
import { drawWith, gone, isAlive, Program, type UpOptions } from './program.ts';

/** Whoever dies, whenever: every accepted job ends once, and truly. */

const programs: Program[] = [];

async function up(options: UpOptions = {}): Promise<{ program: Program; caller: Caller }> {
  const program = await Program.up({ config: drawWith({ scaling: { max_containers: 3 } }), ...options });
  programs.push(program);
  return { program, caller: new Caller(program) };
}
/** The next life of the gateway on the data of one that has ended. */
function again(program: Program, options: UpOptions = {}) {
  programs.splice(programs.indexOf(program), 1);
  return up({ ...options, folder: program.folder });
}

afterEach(async () => {
  for (const program of programs.splice(0)) await program.remove();
});

const submit = (caller: Caller, number: number, steps: number): Promise<string[]> =>
  Promise.all(Array.from({ length: number }, () => caller.submit({ steps })));
const works = (caller: Caller, ids: readonly string[]) => Promise.all(ids.map((id) => caller.works(id)));
const ended = (caller: Caller, ids: readonly string[]): Promise<Json[]> => Promise.all(ids.map((id) => caller.ended(id)));

async function durableEvents(caller: Caller, id: string): Promise<string[]> {
  const { body } = await caller.ask('GET', `/fleet/v1/jobs/${id}/events`);
  return [...body.toString().matchAll(/^id: \d+\nevent: (\w+)$/gm)].map(([, type]) => type ?? '');
}

describe('kill -9 of the gateway', () => {
  test('with jobs running and queued: they finish on the containers that they had, at the first attempt', async () => {
    const { program, caller } = await up();
    const running = await submit(caller, 3, 150);
    await works(caller, running);
    const queued = await submit(caller, 3, 5);
    const before = await Promise.all(running.map((id) => caller.job(id)));
    await program.kill();

    const { caller: next, program: second } = await again(program);
    expect(second.supervisorPid).toBe(program.supervisorPid);
    const after = await ended(next, running);
    expect(after).toMatchObject(before.map(({ id, container, started_at }) => ({ id, container, started_at, state: 'succeeded' })));
    const all = [...after, ...(await ended(next, queued))];
    expect(all.map(({ state, attempts, lost_containers, outputs }) => [state, attempts, lost_containers, outputs.length])).toEqual(
      all.map(() => ['succeeded', 1, 0, 1]),
    );
    expect(await next.jobs()).toHaveLength(6);
    expect(await next.containers(true)).toHaveLength(3);
    for (const { id } of all) expect(await durableEvents(next, id)).toEqual(['queued', 'started', 'succeeded']);
    const file = await next.ask('GET', after[0].outputs[0].url);
    expect(isPng(file.body)).toBe(true);
  });

  test('what ended while it was away is taken from the container, not run again', async () => {
    const { program, caller } = await up();
    const [id = ''] = await submit(caller, 1, 40);
    await caller.works(id);
    const url = await caller.containerUrl((await caller.job(id)).container);
    await program.kill();
    const done = async (): Promise<boolean> => Object.keys((await (await fetch(`${url}/history`)).json()) as object).length === 1;
    while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));

    const { caller: next } = await again(program);
    expect(await next.ended(id)).toMatchObject({ state: 'succeeded', attempts: 1, lost_containers: 0 });
    expect(Object.keys((await (await fetch(`${url}/history`)).json()) as object)).toHaveLength(1);
  });

  test('on a server that is not ours: the running prompt is followed further on the same container, and runs once', async () => {
    const server = await startForeignServer();
    try {
      const config = { ...drawWith({}), runtime: 'remote', comfyui: { urls: [server.url] } };
      const { program, caller } = await up({ config });
      const [id = ''] = await submit(caller, 1, 150);
      await caller.works(id);
      const { container } = await caller.job(id);
      await program.kill();

      const { caller: next } = await again(program, { config });
      expect(await next.ended(id)).toMatchObject({ state: 'succeeded', attempts: 1, lost_containers: 0, container });
      expect((await next.containers(true)).map((one) => one.id)).toEqual([container]);
      // The probe prompt and the job.
      expect(await server.history()).toHaveLength(2);
    } finally {
      await server.close();
    }
  });

  test('a cancel that was answered holds after it', async () => {
    const { program, caller } = await up();
    const [id = ''] = await submit(caller, 1, 9000);
    await caller.works(id);
    await caller.ask('DELETE', `/fleet/v1/jobs/${id}`);
    await program.kill();
    const { caller: next } = await again(program);
    expect((await next.ended(id)).state).toBe('canceled');
  });

  test('settings that were changed live are kept, and so are deployments that were made', async () => {
    const { program, caller } = await up();
    await caller.scale({ max_containers: 2, scaledown_window: '7s' });
    const graph = {
      1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 1 } },
      2: { class_type: 'SaveImage', inputs: { filename_prefix: 'x', images: ['1', 0] } },
    };
    await caller.ask('POST', '/fleet/v1/deployments', { body: { name: 'plain', graph } });
    await program.kill();
    const { caller: next } = await again(program);
    expect((await next.get('/fleet/v1/deployments/draw')).scaling).toMatchObject({ max_containers: 2, scaledown_window: '7s' });
    expect((await next.ask('POST', '/d/plain/', { body: {} })).status).toBe(200);
  });
});

describe('kill -9 of the supervisor', () => {
  test('its jobs are tried again on new containers of a new supervisor', async () => {
    const { program, caller } = await up();
    const ids = await submit(caller, 3, 60);
    await works(caller, ids);
    const pid = program.supervisorPid;
    const before = (await caller.containers()).map(({ id }) => id as string);
    program.killSupervisor();
    const jobs = await ended(caller, ids);
    expect(jobs.map(({ state, attempts, lost_containers, outputs }) => [state, attempts, lost_containers, outputs.length])).toEqual(
      jobs.map(() => ['succeeded', 2, 1, 1]),
    );
    expect(jobs.filter(({ container }) => before.includes(container))).toEqual([]);
    for (const id of before) expect(await caller.get(`/fleet/v1/containers/${id}`)).toMatchObject({ state: 'failed' });
    expect(program.supervisorPid).not.toBe(pid);
    expect((await caller.ask('POST', '/', { body: {} })).status).toBe(200);
  });

  test('and of the gateway: jobs finish at the next start, and the loss is not held against them', async () => {
    const { program, caller } = await up();
    const ids = await submit(caller, 4, 60);
    await works(caller, ids.slice(0, 3));
    program.killSupervisor();
    await program.kill();
    const { caller: next } = await again(program);
    const jobs = await ended(next, ids);
    expect(jobs.map(({ state, lost_containers, outputs }) => [state, lost_containers, outputs.length])).toEqual(
      jobs.map(() => ['succeeded', 0, 1]),
    );
  });
});

describe('Ctrl-C', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'once (%s): running jobs finish and are answered, queued ones are kept, nothing is left',
    async (signal) => {
      const { program, caller } = await up({ config: drawWith({ scaling: { max_containers: 1 } }) });
      const waiting = caller.ask('POST', '/', { body: { steps: 80 } });
      const running = await caller.until(
        async () => (await caller.jobs()).find(({ state }) => state === 'running')?.id as string | undefined,
      );
      await caller.works(running);
      const queued = caller.ask('POST', '/', { body: { steps: 2 } });
      const later = await caller.until(async () => (await caller.jobs()).find(({ state }) => state === 'queued')?.id as string | undefined);
      const { supervisorPid } = program;
      program.signal(signal);

      expect((await queued).json).toMatchObject({ status: 503, code: 'draining', job: later });
      expect((await caller.ask('POST', '/', { body: {} })).json).toMatchObject({ status: 503, code: 'draining' });
      expect((await caller.ask('GET', '/readyz')).status).toBe(503);
      const answer = await waiting;
      expect(answer.status).toBe(200);
      expect(isPng(answer.body)).toBe(true);
      expect(await program.ended).toEqual({ code: 0, signal: null });
      await gone(supervisorPid);
      expect(program.err).toContain('waiting for 1 job');

      const { caller: next } = await again(program);
      expect(await next.job(running)).toMatchObject({ state: 'succeeded', attempts: 1 });
      expect(await next.ended(later)).toMatchObject({ state: 'succeeded', attempts: 1 });
      expect((await next.containers(true)).filter(({ state }) => state === 'failed')).toEqual([]);
    },
  );

  test('twice: it stops at once, and the running job finishes at the next start', async () => {
    const { program, caller } = await up();
    const [id = ''] = await submit(caller, 1, 300);
    await caller.works(id);
    const { supervisorPid } = program;
    program.signal('SIGINT');
    await program.says('Ctrl-C again to stop at once');
    program.signal('SIGINT');
    const stopped = performance.now();
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - stopped).toBeLessThan(2_500);
    await gone(supervisorPid);
    expect(isAlive(supervisorPid)).toBe(false);

    const { caller: next } = await again(program);
    expect(await next.ended(id)).toMatchObject({ state: 'succeeded', lost_containers: 0, error: null });
  });

  test('without a job: it is gone, with every container', async () => {
    const { program, caller } = await up();
    await ended(caller, await submit(caller, 3, 30));
    expect((await caller.containers()).length).toBeGreaterThan(0);
    program.signal('SIGINT');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    await gone(program.supervisorPid);
    const { caller: next } = await again(program);
    expect(await next.containers()).toEqual([]);
    expect((await next.containers(true)).map(({ state }) => state)).toEqual(expect.arrayContaining(['stopped']));
  });
});
