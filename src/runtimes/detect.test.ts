import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/supervised.ts';
import type { Config } from '../config/schema.ts';
import { loadProfile } from '../emulator/profile.ts';
import { checkComfyui, chooseRuntime, cudaDeviceOf, emulatedSlots, processSlots, visibleGpus } from './detect.ts';
import { gpuModel } from './remote.ts';

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
const configOf = (runtime: Config['runtime'], change: Partial<Config['comfyui']> = {}, capacity: number | null = null): Config =>
  ({ runtime, capacity, comfyui: { ...comfyui, ...change } }) as Config;

const gpus = ['GPU-aa', 'GPU-bb', 'GPU-cc'].map((uuid, index) => ({ index, uuid, model: 'L4' }));

test.each([
  [undefined, [0, 1, 2]],
  ['', []],
  ['2', [2]],
  ['2, 0', [2, 0]],
  ['GPU-b,0', [1, 0]],
  ['1,7,2', [1]],
  ['-1', []],
])('CUDA_VISIBLE_DEVICES=%s leaves %j', (visible, left) => {
  expect(visibleGpus(gpus, visible).map(({ index }) => index)).toEqual(left);
});

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
  const withGpus = (body: string): void => {
    script('bin/nvidia-smi', body);
    vi.stubEnv('PATH', `${join(folder.path, 'bin')}:/usr/bin:/bin`);
  };

  test('emulated ones: a hundred, or as many as wanted, on the profile’s GPU', () => {
    const profile = loadProfile('a10g-collage');
    expect(emulatedSlots(null, profile)).toHaveLength(100);
    expect(emulatedSlots(2, profile)).toEqual([
      { host, device: 'gpu0', gpu: profile.gpu.model, share: 1 },
      { host, device: 'gpu1', gpu: profile.gpu.model, share: 1 },
    ]);
  });

  test('one for each GPU; more share them in turn', async () => {
    withGpus(`printf '0, GPU-aa, NVIDIA A10G\\n1, GPU-bb, NVIDIA H100 80GB HBM3\\n'`);
    const [a10g, h100] = [
      { host, device: 'gpu0', gpu: 'A10G', share: 1 },
      { host, device: 'gpu1', gpu: 'H100 80GB HBM3', share: 1 },
    ];
    expect(await processSlots(configOf('process'), {})).toEqual([a10g, h100]);
    expect(await processSlots(configOf('process', {}, 1), {})).toEqual([a10g]);
    expect(await processSlots(configOf('process'), { CUDA_VISIBLE_DEVICES: '1' })).toEqual([h100]);
    const half = { share: 0.5 };
    expect(await processSlots(configOf('process', {}, 3), {})).toEqual([
      { ...a10g, ...half },
      { ...h100, ...half },
      { ...a10g, ...half },
    ]);
  });

  test('on a CPU one, or as many as wanted: when told so, when there is no driver, when that fails', async () => {
    const cpu = { host, device: 'cpu0', gpu: null, share: 0 };
    withGpus(`echo '0, GPU-aa, NVIDIA A10G'`);
    expect(await processSlots(configOf('process', { cpu: true }, 2), {})).toEqual([cpu, { ...cpu, device: 'cpu1' }]);
    withGpus('echo "NVIDIA-SMI has failed" >&2; exit 9');
    expect(await processSlots(configOf('process'), {})).toEqual([cpu]);
    vi.stubEnv('PATH', '/nowhere');
    expect(await processSlots(configOf('process'), {})).toEqual([cpu]);
  });

  test('the CUDA number of a slot', () => {
    expect(cudaDeviceOf({ host, device: 'gpu11', gpu: 'A10G', share: 1 })).toBe(11);
    expect(cudaDeviceOf({ host, device: 'cpu0', gpu: null, share: 0 })).toBeNull();
  });

  test.each([
    ['cuda:0 NVIDIA A10G : cudaMallocAsync', 'A10G'],
    ['NVIDIA GeForce RTX 4090', 'GeForce RTX 4090'],
    ['cuda:3 NVIDIA H100 80GB HBM3 : native', 'H100 80GB HBM3'],
    ['cuda:0 AMD Radeon RX 7900 XTX : native', 'AMD Radeon RX 7900 XTX'],
    ['mps', 'mps'],
  ])('the model of %s', (name, model) => {
    expect(gpuModel(name)).toBe(model);
  });
});

describe('checkComfyui', () => {
  const checkout = (): string => {
    const path = join(folder.path, 'comfy');
    mkdirSync(path, { recursive: true });
    for (const name of ['main.py', 'nodes.py']) writeFileSync(join(path, name), '');
    return path;
  };
  const check = (change: Partial<Config['comfyui']>): Promise<string> => checkComfyui({ ...comfyui, ...change });
  const failure = (message: string) => ({ code: 'comfyui_not_found', message: expect.stringContaining(message) as string });

  test('a folder that is no ComfyUI', async () => {
    await expect(check({ path: folder.path })).rejects.toMatchObject(failure(`${folder.path} is no ComfyUI folder`));
  });

  test('the Python that was named, of a virtual environment in or beside the folder, or of the path', async () => {
    const path = checkout();
    const named = script('named', 'echo');
    expect(await check({ path, python: named })).toBe(named);
    script('path/python3', 'echo');
    vi.stubEnv('PATH', join(folder.path, 'path'));
    expect(await check({ path })).toBe('python3');
    const beside = script('venv/bin/python', 'echo');
    expect(await check({ path })).toBe(beside);
    const inside = script('comfy/.venv/bin/python', 'echo');
    expect(await check({ path })).toBe(inside);
  });

  test('missing modules are named with what to do', async () => {
    const path = checkout();
    const torch = script('no-torch', 'echo torch safetensors');
    await expect(check({ path, python: torch })).rejects.toMatchObject(failure(`${torch} lacks torch, safetensors`));
    await expect(check({ path, python: torch })).rejects.toMatchObject(failure('install PyTorch'));
    const aiohttp = script('no-aiohttp', 'echo aiohttp');
    const how = `${aiohttp} -m pip install -r ${join(path, 'requirements.txt')}`;
    await expect(check({ path, python: aiohttp })).rejects.toMatchObject(failure(how));
  });

  test('a Python that is none, or that fails', async () => {
    const path = checkout();
    await expect(check({ path, python: '/nowhere/python' })).rejects.toMatchObject(failure('cannot be run as /nowhere/python'));
    const broken = script('broken', 'exit 3');
    await expect(check({ path, python: broken })).rejects.toMatchObject(failure(`cannot be run as ${broken}`));
  });
});
