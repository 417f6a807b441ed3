import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noPython, temporaryFolder, type TemporaryFolder } from '../../test/support/supervised.ts';
import type { Config } from '../config/schema.ts';
import { loadProfile } from '../emulator/profile.ts';
import { checkComfyui, chooseRuntime, emulatedSlots, processSlots } from './detect.ts';
import type { Python } from './devices.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

/** A shell script under the temporary folder. */
function script(path: string, body: string): string {
  const file = join(folder.path, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const comfyui: Config['comfyui'] = { path: null, urls: [], python: null, args: [], cpu: false };
const configOf = (runtime: Config['runtime'], change: Partial<Config['comfyui']> = {}): Config =>
  ({ runtime, comfyui: { ...comfyui, ...change } }) as Config;

describe('chooseRuntime', () => {
  test.each([
    ['nothing there', configOf('auto'), 'emulated'],
    ['a folder', configOf('auto', { path: '/comfy' }), 'process'],
    ['servers', configOf('auto', { urls: ['http://box:8188'] }), 'remote'],
    ['servers before a folder', configOf('auto', { path: '/comfy', urls: ['http://box:8188'] }), 'remote'],
    ['what was asked for', configOf('emulated', { path: '/comfy' }), 'emulated'],
  ])('%s', (_, config, runtime) => {
    expect(chooseRuntime(config)).toBe(runtime);
  });

  test('what was asked for without what it needs is an error that says how to give it', () => {
    const failure = (message: RegExp) =>
      expect.objectContaining({ code: 'comfyui_not_found', message: expect.stringMatching(message) }) as Error;
    expect(() => chooseRuntime(configOf('process'))).toThrow(failure(/--comfyui PATH or COMFYUI_HOME/));
    expect(() => chooseRuntime(configOf('remote'))).toThrow(failure(/--comfyui http:\/\/HOST:8188/));
  });
});

describe('slots', () => {
  const host = hostname();
  test('emulated ones: a hundred, or as many as wanted, on the profile’s GPU', () => {
    const profile = loadProfile('a10g-collage');
    expect(emulatedSlots(null, profile)).toHaveLength(100);
    expect(emulatedSlots(2, profile)).toEqual([
      { host, device: 'gpu0', gpu: profile.gpu.model, share: 1 },
      { host, device: 'gpu1', gpu: profile.gpu.model, share: 1 },
    ]);
  });

  test('one for each GPU; more share them in turn', () => {
    const gpus = [
      { device: 'gpu0', model: 'A10G' },
      { device: 'gpu1', model: 'H100 80GB HBM3' },
    ];
    const [a10g, h100] = [
      { host, device: 'gpu0', gpu: 'A10G', share: 1 },
      { host, device: 'gpu1', gpu: 'H100 80GB HBM3', share: 1 },
    ];
    expect(processSlots(null, gpus)).toEqual([a10g, h100]);
    expect(processSlots(1, gpus)).toEqual([a10g]);
    const half = { share: 0.5 };
    expect(processSlots(3, gpus)).toEqual([
      { ...a10g, ...half },
      { ...h100, ...half },
      { ...a10g, ...half },
    ]);
  });

  test('on the CPU one, or as many as wanted', () => {
    const cpu = { host, device: 'cpu0', gpu: null, share: 0 };
    expect(processSlots(null, [])).toEqual([cpu]);
    expect(processSlots(2, [])).toEqual([cpu, { ...cpu, device: 'cpu1' }]);
  });
});

describe('checkComfyui', () => {
  const checkout = (): string => {
    const path = join(folder.path, 'comfy');
    mkdirSync(path, { recursive: true });
    for (const name of ['main.py', 'nodes.py']) writeFileSync(join(path, name), '');
    return path;
  };
  const check = (change: Partial<Config['comfyui']>): Promise<Python> => checkComfyui({ ...comfyui, ...change });
  const failure = (message: string) => ({ code: 'comfyui_not_found', message: expect.stringContaining(message) as string });

  test('a folder that is no ComfyUI', async () => {
    await expect(check({ path: folder.path })).rejects.toMatchObject(failure(`${folder.path} is no ComfyUI folder`));
  });

  /** A Python that has looked at its modules and lacks these. */
  const lacking = (path: string, ...missing: string[]): string => script(path, `echo '${JSON.stringify({ missing, builtFor: null })}'`);

  test('the Python that was named, of a virtual environment in or beside the folder, or of the path', async () => {
    const path = checkout();
    const named = lacking('named');
    expect(await check({ path, python: named })).toEqual({ program: named, builtFor: null });
    lacking('path/python3');
    vi.stubEnv('PATH', join(folder.path, 'path'));
    expect(await check({ path })).toMatchObject({ program: 'python3' });
    const beside = lacking('venv/bin/python');
    expect(await check({ path })).toMatchObject({ program: beside });
    const inside = lacking('comfy/.venv/bin/python');
    expect(await check({ path })).toMatchObject({ program: inside });
  });

  test('missing modules are named with what to do', async () => {
    const path = checkout();
    const torch = lacking('no-torch', 'torch', 'safetensors');
    await expect(check({ path, python: torch })).rejects.toMatchObject(failure(`${torch} lacks torch, safetensors`));
    await expect(check({ path, python: torch })).rejects.toMatchObject(failure('install PyTorch'));
    const aiohttp = lacking('no-aiohttp', 'aiohttp');
    const how = `${aiohttp} -m pip install -r ${join(path, 'requirements.txt')}`;
    await expect(check({ path, python: aiohttp })).rejects.toMatchObject(failure(how));
  });

  describe.skipIf(noPython)(`a real Python${noPython ? ' (skipped: no python3)' : ''}`, () => {
    /** One whose modules are empty, but for what this `version.py` of torch says. */
    function pythonWith(version: string): string {
      for (const name of ['torch', 'aiohttp', 'safetensors', 'PIL']) {
        mkdirSync(join(folder.path, 'modules', name), { recursive: true });
        writeFileSync(join(folder.path, 'modules', name, '__init__.py'), 'raise SystemExit("it is imported")');
      }
      writeFileSync(join(folder.path, 'modules/torch/version.py'), version);
      return script('python', `PYTHONPATH=${join(folder.path, 'modules')} exec python3 "$@"`);
    }

    test.each([
      ['hip = "6.4.43482"\nxpu = None', 'rocm'],
      ['hip = None\nxpu = "20250101"', 'xpu'],
      ['cuda = "12.8"\nhip = None', null],
      ['', null],
      ['raise RuntimeError("no")', null],
    ])('tells, without importing torch, that it was built with %j', async (version, builtFor) => {
      const python = pythonWith(version);
      expect(await check({ path: checkout(), python })).toEqual({ program: python, builtFor });
    });

    test('tells what it lacks', async () => {
      const python = script('bare', 'exec python3 -I -S "$@"');
      await expect(check({ path: checkout(), python })).rejects.toMatchObject(failure('lacks torch, aiohttp, safetensors, PIL'));
    });
  });

  test('a Python that is none, or that fails', async () => {
    const path = checkout();
    await expect(check({ path, python: '/nowhere/python' })).rejects.toMatchObject(failure('cannot be run as /nowhere/python'));
    const broken = script('broken', 'exit 3');
    await expect(check({ path, python: broken })).rejects.toMatchObject(failure(`cannot be run as ${broken}`));
  });
});
