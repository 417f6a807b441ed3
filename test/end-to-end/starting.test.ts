import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askWith, Caller } from './caller.ts';
import { comfleet, Program, temporaryFolder, usualConfig, writeConfig } from './program.ts';

/** What `comfleet up` says when it starts, and when it will not. */

const { path: folder, remove } = temporaryFolder();
let program: Program;

beforeAll(async () => {
  program = await Program.up();
});
afterAll(async () => {
  await program.remove();
  remove();
});

const up = (...flags: string[]) => comfleet(['up', ...flags], { cwd: folder });
/** Its one JSON line. */
const refused = async (...flags: string[]) => {
  const { code, out } = await up('--json', ...flags);
  return { code, error: (JSON.parse(out) as { error: Record<string, string> }).error };
};
let folders = 0;
/** Flags with a data folder and a configuration of their own. */
function own(config: object = usualConfig): string[] {
  const place = join(folder, String((folders += 1)));
  mkdirSync(place);
  return ['--data-dir', join(place, 'data'), '--config', writeConfig(place, { ...config }), '--port', '0'];
}

test('with --json it writes one line when it is ready', async () => {
  expect(program.ready).toMatchObject({
    dashboard: `${program.url}/dashboard/`,
    comfyui_page: null,
    runtime: 'emulated',
    data_dir: program.dataDir,
    deployments: [
      { name: 'draw', default: true, problems: [] },
      { name: 'tint', default: false, problems: [] },
    ],
  });
  expect(program.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await new Caller(program).ask('GET', '/readyz')).status).toBe(200);
  expect(program.err).toBe('');
});

test("ComfyUI's page is served where it is asked for: the link leads to an origin of its own", async () => {
  const files = join(folder, 'page');
  mkdirSync(files);
  writeFileSync(join(files, 'index.html'), '<title>ComfyUI</title>');
  const other = await Program.up({ config: { page: { folder: files, port: 0 } } });
  try {
    expect(other.ready.comfyui_page).toBe(`${other.url}/page/`);
    const link = await fetch(`${other.url}/page/`, { redirect: 'manual' });
    expect(link.status).toBe(303);
    const place = new URL(link.headers.get('location')!);
    expect(place.port).not.toBe(new URL(other.url).port);
    const entered = await fetch(place, { redirect: 'manual' });
    const cookie = entered.headers.get('set-cookie')!;
    expect(cookie).toMatch(/HttpOnly.*SameSite=Strict/i);
    const page = await fetch(new URL('/', place), { headers: { cookie: cookie.split(';', 1)[0]! } });
    expect(await page.text()).toContain('<title>ComfyUI</title>');
    expect((await fetch(new URL('/', place))).status).not.toBe(200);
  } finally {
    await other.remove();
  }
});

describe('beside another instance', () => {
  test('on the same data folder it is refused, with the owner named', async () => {
    const { code, error } = await refused(...own().slice(2), '--data-dir', program.dataDir);
    expect(code).toBe(1);
    expect(error['code']).toBe('data_folder_in_use');
    expect(error['detail']).toContain(String(program.ready.pid));
    expect(error['detail']).toContain(program.url);
    expect(error['next']).toContain('--data-dir');
    expect((await new Caller(program).ask('POST', '/', { body: {} })).status).toBe(200);
  });

  test('on another one both work side by side', async () => {
    const other = await Program.up();
    try {
      expect(other.url).not.toBe(program.url);
      expect(other.supervisorPid).not.toBe(program.supervisorPid);
      const [one, two] = [new Caller(program), new Caller(other)];
      await Promise.all([one.ask('POST', '/', { body: {} }), two.ask('POST', '/', { body: {} })]);
      const ids = new Set((await one.containers()).map(({ id }) => id));
      expect((await two.containers()).filter(({ id }) => ids.has(id))).toEqual([]);
      expect(await two.jobs()).toHaveLength(1);
    } finally {
      await other.remove();
    }
  });
});

describe('what is wrong is said with what to do, and nothing is left running', () => {
  test('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const flags = own();
    const { code, error } = await refused(...flags.slice(0, 4), '--port', String(port));
    taken.close();
    expect([code, error['code']]).toEqual([1, 'port_in_use']);
    expect(error['detail']).toContain(String(port));
    expect(existsSync(join(flags[1] ?? '', 'supervisor.sock'))).toBe(false);
  });

  test('an unknown flag, and one without its value', async () => {
    const unknown = await up('--prot', '1');
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('--port');
    expect((await up('--port')).code).toBe(2);
  });

  test('a configuration with mistakes: file, line, path and the fix, all at once', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(
      file,
      'runtime: emulated\nnetwork:\n  prot: 8288\ndeployments:\n  draw:\n    workflow: none.json\n    scaling: {min_containers: -1}\n',
    );
    const { code, err } = await up('--config', file, '--data-dir', join(folder, 'untouched'));
    expect(code).toBe(2);
    expect(err).toMatch(/wrong\.yaml:3: network\.prot.*did you mean port/);
    expect(err).toMatch(/wrong\.yaml:7: deployments\.draw\.scaling\.min_containers: must be a whole number from 0/);
    expect(existsSync(join(folder, 'untouched'))).toBe(false);
  });

  test('a flag and a variable with a wrong value are named', async () => {
    expect((await up('--port', 'many')).err).toMatch(/--port.*0 to 65535.*many/);
    const { err, code } = await comfleet(['up'], { cwd: folder, env: { COMFLEET_PORT: '99999' } });
    expect(code).toBe(2);
    expect(err).toContain('COMFLEET_PORT');
  });

  test('a workflow that is none: the file is named', async () => {
    const graph = join(folder, 'ui.json');
    writeFileSync(graph, JSON.stringify({ nodes: [], links: [], version: 0.4 }));
    const { code, error } = await refused(...own({ runtime: 'emulated', deployments: { ui: { workflow: graph } } }));
    expect(code).toBe(2);
    expect(error['detail']).toContain(graph);
    expect(error['detail']).toMatch(/UI/);
    expect(error['detail']).toMatch(/API/);
  });

  test('an address that this machine does not have', async () => {
    const [, , ...rest] = own();
    const { code, error } = await refused('--data-dir', join(folder, 'elsewhere'), ...rest, '--host', '192.0.2.7');
    // Not loopback, and no key: that is said first.
    expect([code, error['code']]).toEqual([1, 'unsafe_bind']);
  });

  test('a ComfyUI folder that is none, and a Python without torch', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const none = await refused(...own({ deployments: usualConfig.deployments }), '--comfyui', empty);
    expect([none.code, none.error['code']]).toEqual([1, 'comfyui_not_found']);
    expect(none.error['detail']).toContain('main.py');

    for (const name of ['main.py', 'nodes.py']) writeFileSync(join(empty, name), '');
    const python = join(folder, 'python');
    writeFileSync(python, '#!/bin/sh\nexec python3 -I -S "$@"\n');
    chmodSync(python, 0o755);
    const config = { comfyui: { path: empty, python }, deployments: usualConfig.deployments };
    const bare = await refused(...own(config));
    expect([bare.code, bare.error['code']]).toEqual([1, 'comfyui_not_found']);
    expect(bare.error['detail']).toContain('torch');
  });

  test('--runtime process and remote without a ComfyUI', async () => {
    for (const runtime of ['process', 'remote']) {
      const { code, error } = await refused(...own(), '--runtime', runtime);
      expect([code, error['code']]).toEqual([1, 'comfyui_not_found']);
      expect(error['detail']).toContain('--comfyui');
    }
  });

  test('a database that is damaged, or none: the file is named, and the start comes to an end', async () => {
    const { path, remove } = temporaryFolder();
    const config = writeConfig(path, usualConfig);
    for (const name of ['comfleet.db', join('assets', 'small.db')]) {
      const data = join(path, name.replace('/', '-'));
      mkdirSync(join(data, 'assets'), { recursive: true });
      writeFileSync(join(data, name), 'neither a database nor empty '.repeat(200));
      const { code, err } = await comfleet(['up', '--config', config, '--data-dir', data]);
      expect([code, err]).toEqual([1, expect.stringContaining(`${join(data, name)}: file is not a database`) as string]);
    }
    remove();
  });

  test('an unknown profile', async () => {
    const { code, error } = await refused(...own(), '--profile', 'h1000');
    expect([code, error['code']]).toEqual([2, 'invalid_config']);
    expect(error['detail']).toContain('a10g-collage');
  });
});

describe('on an address that others reach', () => {
  test('without a key it does not listen', async () => {
    const { code, error } = await refused(...own(), '--host', '0.0.0.0');
    expect([code, error['code']]).toEqual([1, 'unsafe_bind']);
    expect(error['next']).toContain('comfleet keys create');
  });

  test('with keys every caller needs one, and roles hold', async () => {
    const { path, remove } = temporaryFolder();
    const dataDir = join(path, 'data');
    const create = async (role: string): Promise<{ id: string; secret: string }> => {
      const { code, out } = await comfleet(['keys', 'create', role, '--role', role, '--json', '--data-dir', dataDir], { cwd: path });
      expect(code).toBe(0);
      return JSON.parse(out) as { id: string; secret: string };
    };
    const [adminKey, invokeKey] = [await create('admin'), await create('invoke')];
    const open = await Program.up({ flags: ['--host', '0.0.0.0'], folder: path });
    try {
      const [nobody, stranger] = [new Caller(open), new Caller(open, 'wrong')];
      const [admin, invoke] = [new Caller(open, adminKey.secret), new Caller(open, invokeKey.secret)];
      const ask = (caller: Caller) => caller.ask('POST', '/', { body: { prompt: 'mine' } });
      expect((await ask(nobody)).json).toMatchObject({ status: 401, code: 'unauthorized' });
      expect((await ask(nobody)).headers.get('www-authenticate')).toContain('Bearer');
      expect((await ask(stranger)).status).toBe(401);
      expect((await nobody.ask('GET', '/livez')).status).toBe(200);

      const [ofAdmin, ofInvoke] = [await ask(admin), await ask(invoke)];
      expect([ofAdmin.status, ofInvoke.status]).toEqual([200, 200]);
      const idOf = (answer: { headers: Headers }) => answer.headers.get('x-comfleet-job-id') ?? '';
      expect((await invoke.jobs()).map(({ id }) => id as string)).toEqual([idOf(ofInvoke)]);
      expect(await admin.jobs()).toHaveLength(2);
      expect((await invoke.ask('GET', `/fleet/v1/jobs/${idOf(ofAdmin)}`)).json).toMatchObject({ status: 404, code: 'unknown_job' });
      expect((await invoke.scale({ max_containers: 1 })).json).toMatchObject({ status: 403, code: 'forbidden' });
      expect((await invoke.ask('GET', '/fleet/v1/keys')).status).toBe(403);
      expect((await invoke.ask('GET', '/fleet/v1/containers')).status).toBe(403);
      expect((await admin.scale({ max_containers: 5 })).status).toBe(200);
      const graph = { 1: { class_type: 'EmptyImage', inputs: {} } };
      expect((await invoke.ask('POST', '/fleet/v1/jobs', { body: { graph } })).json).toMatchObject({ code: 'open_graphs_off' });

      expect((await admin.ask('DELETE', `/fleet/v1/keys/${invokeKey.id}`)).status).toBe(200);
      expect((await ask(invoke)).status).toBe(401);
    } finally {
      await open.remove();
      remove();
    }
  });
});

test('Host and Origin of other sites are refused, on the gateway and on containers', async () => {
  const caller = new Caller(program);
  await caller.ask('POST', '/', { body: {} });
  const container = await caller.containerUrl((await caller.containers())[0].id as string);
  const { host } = new URL(program.url);
  for (const headers of [{ host: 'evil.example' }, { host, origin: 'http://evil.example' }, { host, origin: 'null' }]) {
    const answer = await askWith(`${program.url}/fleet/v1/jobs`, headers);
    expect(answer.json).toMatchObject({ status: 403, code: 'bad_origin' });
  }
  expect((await askWith(`${program.url}/fleet/v1/jobs`, { host, origin: program.url })).status).toBe(200);
  expect((await askWith(`${container}/queue`, { host: new URL(container).host, origin: 'http://evil.example' })).status).toBe(403);
});
