import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { noPython, temporaryFolder } from '../../test/support/supervised.ts';
import { askTorch, deviceOf, findGpus, gpuModel, visibleGpus, type Machine, type Python } from './devices.ts';

/** A Linux machine on which these programs write this; others are missing. */
const machineWith = (programs: Record<string, string>, kind: Partial<Machine> = {}): Machine => ({
  platform: 'linux',
  arch: 'x64',
  processor: 'Some CPU',
  run: (program) =>
    programs[program] === undefined ? Promise.reject(new Error(`spawn ${program} ENOENT`)) : Promise.resolve(programs[program]),
  ...kind,
});

const nvidia = '0, GPU-aa, NVIDIA A10G\n1, GPU-bb, NVIDIA H100 80GB HBM3\n';
const torchSays = (...gpus: string[]): string => JSON.stringify({ python: '3.12', torch: '2.9', builtFor: null, gpus });
const pythonFor = (builtFor: Python['builtFor']): Python => ({ program: 'python', builtFor });

describe('NVIDIA', () => {
  test('its GPUs by their numbers, those that CUDA_VISIBLE_DEVICES leaves', async () => {
    const machine = machineWith({ 'nvidia-smi': nvidia });
    const [a10g, h100] = [
      { device: 'gpu0', model: 'A10G' },
      { device: 'gpu1', model: 'H100 80GB HBM3' },
    ];
    expect(await findGpus(pythonFor(null), {}, machine)).toEqual([a10g, h100]);
    expect(await findGpus(pythonFor(null), { CUDA_VISIBLE_DEVICES: '1' }, machine)).toEqual([h100]);
  });

  test('none without a driver, or when that fails', async () => {
    expect(await findGpus(pythonFor(null), {}, machineWith({}))).toEqual([]);
    expect(await findGpus(pythonFor(null), {}, machineWith({ 'nvidia-smi': 'No devices were found\n' }))).toEqual([]);
  });

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
});

describe('AMD', () => {
  const [xtx, pro] = ['AMD Radeon RX 7900 XTX', 'AMD Radeon PRO W7900'];
  const found = async (env: Record<string, string>, ...gpus: string[]): Promise<string[]> => {
    const machine = machineWith({ python: torchSays(...gpus), 'nvidia-smi': nvidia });
    return (await findGpus(pythonFor('rocm'), env, machine)).map(({ device, model }) => `${device} ${model}`);
  };

  test.each([
    [{}, [xtx, pro], [`gpu0 ${xtx}`, `gpu1 ${pro}`]],
    [{ HIP_VISIBLE_DEVICES: '3, 1' }, [xtx, pro], [`gpu3 ${xtx}`, `gpu1 ${pro}`]],
    [{ CUDA_VISIBLE_DEVICES: '2' }, [pro], [`gpu2 ${pro}`]],
    [{ HIP_VISIBLE_DEVICES: '1', CUDA_VISIBLE_DEVICES: '2' }, [pro], [`gpu1 ${pro}`]],
    [{ HIP_VISIBLE_DEVICES: '' }, [], []],
    [{ HIP_VISIBLE_DEVICES: 'GPU-5f1e,GPU-77aa' }, [xtx, pro], [`hip ${xtx}`]],
    [{}, [], []],
  ])('with %j and %j it is %j', async (env, gpus, devices) => {
    expect(await found(env, ...gpus)).toEqual(devices);
  });

  test('none where PyTorch cannot be asked', async () => {
    expect(await findGpus(pythonFor('rocm'), {}, machineWith({ 'nvidia-smi': nvidia }))).toEqual([]);
  });
});

test('Intel: one, which ComfyUI chooses', async () => {
  const machine = machineWith({ python: torchSays('Intel(R) Arc(TM) B580 Graphics', 'Intel(R) Graphics') });
  expect(await findGpus(pythonFor('xpu'), {}, machine)).toEqual([{ device: 'xpu', model: 'Intel(R) Arc(TM) B580 Graphics' }]);
});

test('Apple silicon is its own GPU; other Macs have none', async () => {
  const mac = (arch: string) => machineWith({}, { platform: 'darwin', arch, processor: 'Apple M2 Pro' });
  expect(await findGpus(pythonFor(null), {}, mac('arm64'))).toEqual([{ device: 'mps', model: 'Apple M2 Pro' }]);
  expect(await findGpus(pythonFor(null), {}, mac('x64'))).toEqual([]);
});

test.each([
  [
    { device: 'gpu11', gpu: 'A10G' },
    { kind: 'cuda', index: 11 },
  ],
  [{ device: 'mps', gpu: 'Apple M2 Pro' }, { kind: 'default' }],
  [{ device: 'xpu', gpu: 'Intel Arc' }, { kind: 'default' }],
  [{ device: 'cpu0', gpu: null }, { kind: 'cpu' }],
])('a container on %j is told %j', (slot, device) => {
  expect(deviceOf({ host: 'here', share: 1, ...slot })).toEqual(device);
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

describe.skipIf(noPython)(`PyTorch is asked${noPython ? ' (skipped: no python3)' : ''}`, () => {
  const none = 'class cuda:\n  is_available = staticmethod(lambda: False)\nclass backends: pass\n';
  const devicesOf = (name: string, ...gpus: string[]): string =>
    `class ${name}:
  is_available = staticmethod(lambda: True)
  device_count = staticmethod(lambda: ${gpus.length})
  get_device_name = staticmethod(lambda i: ${JSON.stringify(gpus)}[i])
`;
  const version = (words: string): string => `__version__ = "2.9"\nclass version:\n  ${words}\n`;
  const mps = 'class backends:\n  class mps:\n    is_available = staticmethod(lambda: True)\n';

  test.each([
    ['CUDA', version('hip = None') + none + devicesOf('cuda', 'NVIDIA L4', 'NVIDIA L40'), null, ['NVIDIA L4', 'NVIDIA L40']],
    ['ROCm', version('hip = "6.4"') + none + devicesOf('cuda', 'AMD Radeon PRO W7900'), 'rocm', ['AMD Radeon PRO W7900']],
    ['XPU', version('hip = None; xpu = "2025"') + none + devicesOf('xpu', 'Intel Arc'), 'xpu', ['Intel Arc']],
    ['MPS', version('hip = None') + none + mps, null, ['Apple GPU']],
    ['no GPU', version('hip = None') + none, null, []],
  ])('with %s', async (_, torch, builtFor, gpus) => {
    expect(await ask(torch)).toMatchObject({ torch: '2.9', builtFor, gpus });
  });

  test('one that cannot be imported says why', async () => {
    expect(await ask('raise OSError("libamdhip64.so: cannot open")')).toMatchObject({
      torch: null,
      gpus: [],
      error: expect.stringContaining('libamdhip64'),
    });
  });

  async function ask(torch: string): Promise<unknown> {
    const folder = temporaryFolder();
    try {
      mkdirSync(join(folder.path, 'torch'));
      writeFileSync(join(folder.path, 'torch', '__init__.py'), torch);
      vi.stubEnv('PYTHONPATH', folder.path);
      return await askTorch('python3');
    } finally {
      vi.unstubAllEnvs();
      folder.remove();
    }
  }
});
