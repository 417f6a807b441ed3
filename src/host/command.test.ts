import { expect, test } from 'vitest';
import { comfyuiArguments, comfyuiEnvironment } from './command.ts';

const launch = { kind: 'process' as const, path: '/comfy', python: 'python3', args: ['--fast', '--lowvram'], cudaDevice: 1 };

test('a container has its own port, folders, database and GPU; none of the configuration’s arguments wins over them', () => {
  expect(comfyuiArguments(launch, '/data/containers/a', 8401)).toEqual([
    '/comfy/main.py',
    '--fast',
    '--lowvram',
    '--disable-auto-launch',
    '--listen',
    '127.0.0.1',
    '--port',
    '8401',
    '--database-url',
    'sqlite:////data/containers/a/comfyui.db',
    '--input-directory',
    '/data/containers/a/input',
    '--output-directory',
    '/data/containers/a/output',
    '--temp-directory',
    '/data/containers/a',
    '--user-directory',
    '/data/containers/a/user',
    '--cuda-device',
    '1',
  ]);
});

test('without a GPU it runs on the CPU', () => {
  const args = comfyuiArguments({ ...launch, cudaDevice: null }, '/data/a', 8400);
  expect(args).toContain('--cpu');
  expect(args).not.toContain('--cuda-device');
});

test('a container sees what Python and drivers need, and nothing else', () => {
  const needed = {
    PATH: '/bin',
    HOME: '/home/me',
    HF_TOKEN: 'hf',
    CUDA_HOME: '/cuda',
    LD_LIBRARY_PATH: '/lib',
    https_proxy: 'p',
    PYTHONPATH: 'x',
  };
  const secret = {
    COMFLEET_ADMIN_KEY: 's',
    AWS_SECRET_ACCESS_KEY: 's',
    MY_PATH: 's',
    GITHUB_TOKEN: 's',
    NODE_OPTIONS: 's',
    DATABASE_URL: undefined,
  };
  expect(comfyuiEnvironment(launch, { ...needed, ...secret })).toEqual({
    PYTHONUNBUFFERED: '1',
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    ...needed,
  });
});

test('on a CPU each container has one thread, unless set otherwise', () => {
  const onCpu = { ...launch, cudaDevice: null };
  expect(comfyuiEnvironment(onCpu, {})).toMatchObject({ PYTHONUNBUFFERED: '1', OMP_NUM_THREADS: '1' });
  expect(comfyuiEnvironment(onCpu, { OMP_NUM_THREADS: '4', PYTHONUNBUFFERED: '' })).toMatchObject({
    PYTHONUNBUFFERED: '',
    OMP_NUM_THREADS: '4',
  });
});
