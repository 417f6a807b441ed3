import { join } from 'node:path';
import type { Launch } from './protocol.ts';

type ProcessLaunch = Extract<Launch, { kind: 'process' }>;

/** Names of variables that a container may see; never the gateway's own (COMFLEET_*), which can hold secrets. */
const passedOn =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|VIRTUAL_ENV|CONDA_.*|PYTHON.*|LD_LIBRARY_PATH|DYLD_.*|CUDA_.*|NVIDIA_.*|AMD_.*|HIP_.*|HSA_.*|MIOPEN_.*|ROCM_.*|ROCR_.*|ONEAPI_.*|SYCL_.*|UR_.*|ZE_.*|HF_.*|TORCH.*|PYTORCH_.*|TRITON_.*|XDG_.*|OMP_.*|MKL_.*|https?_proxy|HTTPS?_PROXY|NO_PROXY|no_proxy|SSL_CERT_.*)$/;

/** URL of a container's own database: no other server has it in its command line. */
export const databaseOf = (folder: string): string => `sqlite:///${join(folder, 'comfyui.db')}`;

/** Arguments of an unmodified ComfyUI: its own port, folders and database; models and custom nodes are the checkout's. */
export function comfyuiArguments(launch: ProcessLaunch, folder: string, port: number): string[] {
  const folders = {
    'input-directory': join(folder, 'input'),
    'output-directory': join(folder, 'output'),
    'temp-directory': folder,
    'user-directory': join(folder, 'user'),
  };
  return [
    join(launch.path, 'main.py'),
    // Before ours, so that ours win: no argument of the configuration opens ComfyUI to the network or shares its folders.
    ...launch.args,
    '--disable-auto-launch',
    '--listen',
    '127.0.0.1',
    '--port',
    String(port),
    '--database-url',
    databaseOf(folder),
    ...Object.entries(folders).flatMap(([name, path]) => [`--${name}`, path]),
    ...deviceArguments(launch.device),
  ];
}

function deviceArguments(device: ProcessLaunch['device']): string[] {
  switch (device.kind) {
    case 'cuda':
      return ['--cuda-device', String(device.index)];
    case 'default':
      return [];
    case 'cpu':
      return ['--cpu'];
  }
}

/**
 * The environment of a container. CUDA numbers GPUs as nvidia-smi does, not by speed. On a CPU, threads that spin cost every other container
 * its time: one each, unless set otherwise.
 */
export function comfyuiEnvironment(launch: ProcessLaunch, env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && passedOn.test(entry[0]));
  const usual = { PYTHONUNBUFFERED: '1', ...(launch.device.kind === 'cpu' ? { OMP_NUM_THREADS: '1' } : {}) };
  return { ...usual, ...Object.fromEntries(kept), CUDA_DEVICE_ORDER: 'PCI_BUS_ID' };
}
