import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '../config/schema.ts';
import type { Profile } from '../emulator/profile.ts';
import { ComfleetError } from '../errors.ts';
import type { Slot } from '../fleet/container.ts';
import { gpuModel } from './remote.ts';

const run = promisify(execFile);
const toolTimeoutMs = 10_000;
const emulatedCapacity = 100;

type Environment = Readonly<Record<string, string | undefined>>;

/** Which runtime serves, by the configuration and by what is there. */
export function chooseRuntime({ runtime, comfyui }: Config): 'emulated' | 'process' | 'remote' {
  if (runtime === 'process' && comfyui.path === null) {
    throw new ComfleetError('comfyui_not_found', 'runtime process needs the folder of a ComfyUI: give --comfyui PATH or COMFYUI_HOME');
  }
  if (runtime === 'remote' && comfyui.urls.length === 0) {
    throw new ComfleetError('comfyui_not_found', 'runtime remote needs the URL of a ComfyUI server: give --comfyui http://HOST:8188');
  }
  if (runtime !== 'auto') return runtime;
  if (comfyui.urls.length > 0) return 'remote';
  return comfyui.path === null ? 'emulated' : 'process';
}

/** Slots of emulated containers: as many as wanted, on GPUs of the profile's model. */
export function emulatedSlots(capacity: number | null, profile: Profile): Slot[] {
  return Array.from({ length: capacity ?? emulatedCapacity }, (_, n) => ({
    host: hostname(),
    device: `gpu${n}`,
    gpu: profile.gpu.model,
    share: 1,
  }));
}

/** One slot for each GPU, or for as many as `capacity` says (dealt out in turn); without a GPU, `capacity` or one on the CPU. */
export async function processSlots({ capacity, comfyui }: Config, env: Environment): Promise<Slot[]> {
  const gpus = comfyui.cpu ? [] : visibleGpus(await listGpus(), env['CUDA_VISIBLE_DEVICES']);
  const host = hostname();
  if (gpus.length === 0) return Array.from({ length: capacity ?? 1 }, (_, n) => ({ host, device: `cpu${n}`, gpu: null, share: 0 }));
  const count = capacity ?? gpus.length;
  const perGpu = Math.ceil(count / gpus.length);
  return Array.from({ length: count }, (_, n) => {
    const gpu = gpus[n % gpus.length];
    return { host, device: `gpu${gpu?.index}`, gpu: gpu?.model ?? null, share: 1 / perGpu };
  });
}

/** The CUDA number of a slot's device; null on CPU. */
export const cudaDeviceOf = (slot: Slot): number | null => (slot.gpu === null ? null : Number(slot.device.replace('gpu', '')));

interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly model: string;
}

/**
 * The GPUs that CUDA_VISIBLE_DEVICES leaves, in its order: numbers or beginnings of UUIDs. As with CUDA, the first unknown one ends the
 * list. Undefined leaves all.
 */
export function visibleGpus<G extends Gpu>(gpus: readonly G[], visible: string | undefined): readonly G[] {
  if (visible === undefined) return gpus;
  const named = visible.split(',').map((name) => {
    const text = name.trim();
    return gpus.find(({ index, uuid }) => text === String(index) || (text.startsWith('GPU-') && uuid.startsWith(text)));
  });
  const unknown = named.indexOf(undefined);
  return (unknown === -1 ? named : named.slice(0, unknown)) as G[];
}

/** GPUs by nvidia-smi; none where it is missing or fails. */
async function listGpus(): Promise<Gpu[]> {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=index,uuid,name', '--format=csv,noheader'], { timeout: toolTimeoutMs });
    return stdout
      .split('\n')
      .filter((line) => line.includes(','))
      .map((line) => {
        const [index, uuid = '', ...name] = line.split(', ');
        return { index: Number(index), uuid, model: gpuModel(name.join(', ')) };
      });
  } catch {
    // No driver: no GPU that ComfyUI could use.
    return [];
  }
}

/**
 * Checks that the folder holds a ComfyUI and that its Python can run it; the Python to use. Looks for modules without importing them, which
 * would take seconds. Error: `comfyui_not_found`, saying what is missing and how to get it.
 */
export async function checkComfyui({ path, python }: Config['comfyui']): Promise<string> {
  const folder = path ?? '';
  if (!existsSync(join(folder, 'main.py')) || !existsSync(join(folder, 'nodes.py'))) {
    throw new ComfleetError('comfyui_not_found', `${folder} is no ComfyUI folder: it has no main.py and nodes.py`);
  }
  const interpreter = python ?? findPython(folder);
  const missing = await missingModules(interpreter);
  if (missing.length > 0) {
    const how = missing.includes('torch')
      ? 'install PyTorch for this machine, then ComfyUI’s requirements.txt'
      : `run: ${interpreter} -m pip install -r ${join(folder, 'requirements.txt')}`;
    throw new ComfleetError(
      'comfyui_not_found',
      `${interpreter} lacks ${missing.join(', ')}, which ComfyUI needs: ${how}; or name another Python with comfyui.python`,
    );
  }
  return interpreter;
}

/** A virtual environment in or beside the checkout, else the Python on the path. */
function findPython(folder: string): string {
  const places = ['.venv', 'venv', '../.venv', '../venv'].map((place) => join(folder, place, 'bin', 'python'));
  return places.find((place) => existsSync(place)) ?? 'python3';
}

async function missingModules(python: string): Promise<string[]> {
  const wanted = ['torch', 'aiohttp', 'safetensors', 'PIL'];
  const program = `import importlib.util as u;print(*[m for m in ${JSON.stringify(wanted)} if u.find_spec(m) is None])`;
  try {
    const { stdout } = await run(python, ['-c', program], { timeout: toolTimeoutMs });
    return stdout.split(/\s+/).filter((name) => name !== '');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComfleetError(
      'comfyui_not_found',
      `Python cannot be run as ${python}: ${why}; name another one with comfyui.python`,
      {},
      { cause: error },
    );
  }
}
