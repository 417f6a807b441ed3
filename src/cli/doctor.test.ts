import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { thisMachine, type Machine } from '../runtimes/devices.ts';
import { doctor, type Finding } from './doctor.ts';

let folder = '';
let server: Server | null = null;
/** What nvidia-smi says; null: it is not there. */
let nvidia: string | null = null;
const machine: Machine = {
  ...thisMachine,
  platform: 'linux',
  run: (program, args) => {
    if (program !== 'nvidia-smi') return thisMachine.run(program, args);
    return nvidia === null ? Promise.reject(new Error('ENOENT')) : Promise.resolve(nvidia);
  },
};

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'comfleet-doctor-'));
  writeFileSync(path.join(folder, 'comfleet.yaml'), 'network: {port: 0}\n');
});

afterEach(() => {
  server?.close();
  server = null;
  nvidia = null;
  rmSync(folder, { recursive: true });
});

async function examine(flags: Record<string, string | boolean> = {}): Promise<{ code: number; findings: Finding[] }> {
  let out = '';
  const terminal = { env: {}, cwd: folder, out: { write: (text: string) => (out += text) }, err: { write: () => true } };
  const code = await doctor(terminal, { flags, json: true, machine });
  return { code, findings: (JSON.parse(out) as { findings: Finding[] }).findings };
}

const finding = async (check: string, flags: Record<string, string | boolean> = {}) => {
  const { code, findings } = await examine(flags);
  return { code, ...findings.find((found) => found.check === check) };
};

/** A folder that looks like ComfyUI, with a Python that answers so. */
function comfyui(answer: object | null): string {
  const home = path.join(folder, 'ComfyUI');
  mkdirSync(path.join(home, '.venv/bin'), { recursive: true });
  writeFileSync(path.join(home, 'main.py'), '');
  const python = path.join(home, '.venv/bin/python');
  writeFileSync(python, answer === null ? '#!/bin/sh\nexit 3\n' : `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
  chmodSync(python, 0o755);
  return home;
}

async function listen(handler: Parameters<typeof createServer>[1]): Promise<number> {
  const listening = createServer(handler);
  server = listening;
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  return (listening.address() as AddressInfo).port;
}

test('a machine without ComfyUI is well, and told what it would need', async () => {
  const { code, findings } = await examine();
  expect(code).toBe(0);
  expect(findings.map(({ check, state }) => [check, state])).toEqual(
    expect.arrayContaining([
      ['configuration', 'ok'],
      ['comfyui', 'warning'],
      ['port', 'ok'],
    ]),
  );
  expect(findings.every(({ state, next }) => (state === 'ok') === (next === null))).toBe(true);
});

test('errors of the configuration are shown with their lines', async () => {
  writeFileSync(path.join(folder, 'comfleet.yaml'), 'runtime: docker\n');
  expect(await finding('configuration')).toMatchObject({
    code: 1,
    state: 'problem',
    message: expect.stringContaining('comfleet.yaml:1: runtime') as string,
  });
});

test('a folder that is no ComfyUI', async () => {
  expect(await finding('comfyui', { comfyui: 'nowhere' })).toMatchObject({
    code: 1,
    state: 'problem',
    next: expect.stringContaining('main.py') as string,
  });
});

test('a runtime that needs a ComfyUI and has none', async () => {
  expect(await finding('comfyui', { runtime: 'process' })).toMatchObject({ code: 1, state: 'problem' });
});

const torch = { python: '3.12', torch: '2.9', builtFor: null, gpus: [] as string[] };

test.each([
  [torch, {}, 'ok', 'torch 2.9'],
  [{ ...torch, torch: null, error: 'No module named torch' }, {}, 'problem', 'No module named torch'],
  [null, {}, 'problem', 'cannot be run'],
])('Python that answers %j', async (answer, flags, state, message) => {
  const found = await finding('python', { comfyui: comfyui(answer), ...flags });
  expect(found.state).toBe(state);
  expect(found.message).toContain(message);
  expect(found.code).toBe(state === 'problem' ? 1 : 0);
});

test.each([
  [{ ...torch, gpus: ['NVIDIA A10G'] }, '0, GPU-aa, NVIDIA A10G', {}, 'ok', 'A10G (gpu0)'],
  [{ ...torch, gpus: ['AMD Radeon PRO W7900'], builtFor: 'rocm' }, null, {}, 'ok', 'AMD Radeon PRO W7900 (gpu0)'],
  [{ ...torch, gpus: ['Intel Arc B580'], builtFor: 'xpu' }, null, {}, 'ok', 'Intel Arc B580 (xpu)'],
  [torch, '0, GPU-aa, NVIDIA A10G', {}, 'warning', 'A10G (gpu0), but torch cannot use it'],
  [torch, null, {}, 'warning', 'no GPU was found'],
  [torch, '0, GPU-aa, NVIDIA A10G', { cpu: true }, 'ok', 'the CPU, as configured'],
])('containers of %j, on a machine with %s, %j', async (answer, gpus, flags, state, message) => {
  nvidia = gpus;
  expect(await finding('device', { comfyui: comfyui(answer), ...flags })).toMatchObject({
    code: 0,
    state,
    message: expect.stringContaining(message) as string,
  });
});

test('servers by URL', async () => {
  const port = await listen((_request, response) =>
    response.end(JSON.stringify({ system: { comfyui_version: '0.30' }, devices: [{ name: 'A10G' }] })),
  );
  expect(await finding('comfyui', { comfyui: `http://127.0.0.1:${port}` })).toMatchObject({
    state: 'ok',
    message: expect.stringContaining('version 0.30, A10G') as string,
  });
  server?.close();
  expect(await finding('comfyui', { comfyui: `http://127.0.0.1:${port}` })).toMatchObject({ code: 1, state: 'problem' });
});

test('a port in use, and a data folder that cannot be', async () => {
  const port = await listen(() => undefined);
  expect(await finding('port', { port: String(port) })).toMatchObject({
    state: 'warning',
    message: expect.stringContaining('in use') as string,
  });
  expect(await finding('port', { host: '192.0.2.1' })).toMatchObject({ code: 1, state: 'problem' });
});
