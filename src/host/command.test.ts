import { expect, test } from 'vitest';
import { comfyuiArguments, comfyuiEnvironment } from './command.ts';
import type { Launch } from './protocol.ts';

const launch: Launch & { kind: 'process' } = {
  kind: 'process',
  path: '/comfy',
  python: 'python3',
  args: ['--fast', '--lowvram'],
  device: { kind: 'cuda', index: 1 },
};
const onCpu: typeof launch = { ...launch, device: { kind: 'cpu' } };

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
  const args = comfyuiArguments(onCpu, '/data/a', 8400);
  expect(args).toContain('--cpu');
  expect(args).not.toContain('--cuda-device');
});

test('a GPU that has no number is left to ComfyUI, which has its usual threads', () => {
  const onDefault: typeof launch = { ...launch, device: { kind: 'default' } };
  const args = comfyuiArguments(onDefault, '/data/a', 8400);
  expect(args.slice(-2)).toEqual(['--user-directory', '/data/a/user']);
  expect(args).not.toContain('--cpu');
  expect(comfyuiEnvironment(onDefault, {})).not.toHaveProperty('OMP_NUM_THREADS');
});

test('a container sees what Python and drivers need, and nothing else', () => {
  const needed = {
    PATH: '/bin',
    HOME: '/home/me',
    HF_TOKEN: 'hf',
    CUDA_HOME: '/cuda',
    HIP_VISIBLE_DEVICES: '1',
    ONEAPI_DEVICE_SELECTOR: 'level_zero:gpu',
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
  expect(comfyuiEnvironment(onCpu, {})).toMatchObject({ PYTHONUNBUFFERED: '1', OMP_NUM_THREADS: '1' });
  expect(comfyuiEnvironment(onCpu, { OMP_NUM_THREADS: '4', PYTHONUNBUFFERED: '' })).toMatchObject({
    PYTHONUNBUFFERED: '',
    OMP_NUM_THREADS: '4',
  });
});
