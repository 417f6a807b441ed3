import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Caller, isPng, pixels, type Json } from './caller.ts';
import { comfleet, Program, temporaryFolder, usualConfig } from './program.ts';

/** The verbs against a gateway that runs: words for people, JSON for programs, and exit codes. */

let program: Program;
const { path: folder, remove } = temporaryFolder();

beforeAll(async () => {
  program = await Program.up();
});
afterAll(async () => {
  await program.remove();
  remove();
});

const run = (...args: string[]) => comfleet(args, { cwd: folder, env: { COMFLEET_URL: program.url } });
const json = async (...args: string[]): Promise<Json> => {
  const { code, out, err } = await run(...args, '--json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
};

test('run saves the picture where -o says, and says how it went', async () => {
  const ran = await run('run', 'draw', 'prompt=a regal phoenix', 'seed=7', '-o', 'phoenix.png');
  expect(ran).toMatchObject({ code: 0, out: 'phoenix.png\n' });
  expect(ran.err).toMatch(/job \S+ succeeded.*1 attempt/);
  const picture = readFileSync(join(folder, 'phoenix.png'));
  expect(isPng(picture)).toBe(true);
  const { body } = await new Caller(program).ask('POST', '/', { body: { prompt: 'a regal phoenix', seed: 7 } });
  expect(await pixels(picture)).toBe(await pixels(body));

  const job = await json('run', 'tint', 'background=@phoenix.png', 'strength=0.5', '-o', 'tinted.png');
  expect(job).toMatchObject({ state: 'succeeded', deployment: 'tint', files: [join(folder, 'tinted.png')] });
  expect(isPng(readFileSync(join(folder, 'tinted.png')))).toBe(true);
});

test('run --count makes several at once', async () => {
  const { items } = await json('run', 'draw', '--count', '3', '-o', 'many.png');
  expect((items as Json[]).map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect((items as Json[]).flatMap(({ files }) => files as string[]).sort()).toEqual([1, 2, 3].map((n) => join(folder, `many-${n}.png`)));
});

test('deploy offers a workflow, scale changes it, and both are there at once', async () => {
  const graph = readFileSync(usualConfig.deployments.draw.workflow, 'utf8');
  writeFileSync(join(folder, 'My Portrait.json'), graph);
  const deployed = await run('deploy', 'My Portrait.json', '--set', 'max_containers=2');
  expect(deployed.code).toBe(0);
  expect(deployed.out).toContain(`${program.url}/d/my-portrait/`);
  expect(await json('scale', 'my-portrait', 'scaledown_window=5m')).toMatchObject({ max_containers: 2, scaledown_window: '5m' });
  const scaled = await run('scale', 'my-portrait', 'concurrency_limit=4');
  expect(scaled.err).toBe('used max_containers for concurrency_limit\n');
  expect(scaled.out).toMatch(/max_containers\s+2\s+4/);
  expect(await json('scale', 'my-portrait')).toMatchObject({ max_containers: 4, scaledown_window: '5m' });
  expect((await json('run', 'my-portrait')).state).toBe('succeeded');
});

test('jobs, containers, logs and top show what there is', async () => {
  const job = await json('run', 'draw', '-o', 'one.png');
  const jobs = await json('jobs');
  expect((jobs.items as Json[])[0]).toMatchObject({ id: job.id, state: 'succeeded' });
  expect((await run('jobs')).out).toContain(job.id);
  const containers = await json('containers');
  expect((containers.items as Json[]).map(({ id }) => id)).toContain(job.container);
  expect((await run('containers')).out).toContain('ready');

  for (const id of [job.id, job.container]) {
    const { code, out } = await run('logs', id);
    expect(code).toBe(0);
    expect(out).toContain('got prompt');
  }
  const lines = (await run('logs', job.container, '--json')).out.trim().split('\n');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ stream: 'comfleet', text: expect.stringContaining('emulated') as string });

  const top = await run('top');
  expect(top.code).toBe(0);
  expect(top.out).toContain('draw *');
  expect((await json('top')).overview.runtime).toMatchObject({ name: 'emulated' });
});

test('keys are made, listed and revoked by the gateway', async () => {
  const created = await run('keys', 'create', 'shop', '--role', 'invoke', '--json');
  expect(created.err).toContain('it is not shown again');
  const { id, secret } = JSON.parse(created.out) as { id: string; secret: string };
  expect((await json('keys', 'list')).items).toMatchObject([
    { id, name: 'shop', role: 'invoke', revoked_at: null, tail: secret.slice(-4) },
  ]);
  const revoked = await run('keys', 'revoke', id);
  expect(revoked.code).toBe(0);
  expect((await json('keys', 'list')).items[0].revoked_at).not.toBeNull();
});

test('doctor looks at this machine and changes nothing', async () => {
  const { out } = await run('doctor', '--json', '--data-dir', join(folder, 'nothing'), '--port', '0');
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Json[] };
  expect(ok).toBe(true);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['node', 'sqlite', 'configuration', 'comfyui', 'port', 'data folder']),
  );
  const wrong = await run('doctor', '--config', 'none.yaml');
  expect(wrong.code).toBe(1);
  expect(wrong.out).toContain('none.yaml');
});

describe('exit codes', () => {
  test.each([
    [1, ['run', 'none']],
    [1, ['run', 'draw', 'steps=0']],
    [1, ['run', 'draw', 'promt=x']],
    [1, ['logs', 'nobody']],
    [1, ['jobs', '--url', 'http://127.0.0.1:1']],
    [2, ['run', 'draw', 'prompt']],
    [2, ['run', 'tint', 'background=@none.png']],
    [2, ['deploy', 'none.json']],
    [2, ['fly']],
    [2, ['scale']],
    [0, ['--help']],
    [0, ['--version']],
  ])('%i for comfleet %j', async (expected, args) => {
    const { code, out, err } = await run(...args);
    expect(code).toBe(expected);
    expect((expected === 0 ? out : err).trim()).not.toBe('');
    expect(err).not.toMatch(/^\s+at /m);
  });

  test('with --json a failure is a problem on one line', async () => {
    const { code, out } = await run('run', 'draw', 'promt=x', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out).error).toMatchObject({
      code: 'invalid_input',
      detail: expect.stringContaining('did you mean prompt') as string,
    });
  });
});
