import { join } from 'node:path';
import type { Launch } from './protocol.ts';

type ProcessLaunch = Extract<Launch, { kind: 'process' }>;

/** Names of variables that a container may see; never the gateway's own (COMFLEET_*), which can hold secrets. */
const passedOn =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|VIRTUAL_ENV|CONDA_.*|PYTHON.*|LD_LIBRARY_PATH|DYLD_.*|CUDA_.*|NVIDIA_.*|HIP_.*|ROCR_.*|ROCM_.*|HSA_.*|HF_.*|TORCH.*|PYTORCH_.*|TRITON_.*|XDG_.*|OMP_.*|MKL_.*|https?_proxy|HTTPS?_PROXY|NO_PROXY|no_proxy|SSL_CERT_.*)$/;

/** Arguments of an unmodified ComfyUI: its own port, folders and database; models and custom nodes are the checkout's. */
export function comfyuiArguments(launch: ProcessLaunch, folder: string, port: number): string[] {
  const device = launch.cudaDevice === null ? ['--cpu'] : ['--cuda-device', String(launch.cudaDevice)];
  const folders = {
    'input-directory': join(folder, 'input'),
    'output-directory': join(folder, 'output'),
    'temp-directory': folder,
    'user-directory': join(folder, 'user'),
  };
  return [
    join(launch.path, 'main.py'),
    '--disable-auto-launch',
    '--listen',
    '127.0.0.1',
    '--port',
    String(port),
    '--database-url',
    `sqlite:///${join(folder, 'comfyui.db')}`,
    ...Object.entries(folders).flatMap(([name, path]) => [`--${name}`, path]),
    ...device,
    ...launch.args,
  ];
}

/** The environment of a container. On a CPU, threads that spin cost every other container its time: one each, unless set otherwise. */
export function comfyuiEnvironment(launch: ProcessLaunch, env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && passedOn.test(entry[0]));
  return { PYTHONUNBUFFERED: '1', ...(launch.cudaDevice === null ? { OMP_NUM_THREADS: '1' } : {}), ...Object.fromEntries(kept) };
}
