import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Profile } from '../emulator/profile.ts';
import { ComfleetError } from '../errors.ts';
import type { Slot } from '../fleet/container.ts';
import { thisMachine, type Gpu, type Python } from './devices.ts';

const emulatedCapacity = 100;

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
export function processSlots(capacity: number | null, gpus: readonly Gpu[]): Slot[] {
  const host = hostname();
  if (gpus.length === 0) return Array.from({ length: capacity ?? 1 }, (_, n) => ({ host, device: `cpu${n}`, gpu: null, share: 0 }));
  const count = capacity ?? gpus.length;
  const share = 1 / Math.ceil(count / gpus.length);
  return Array.from({ length: count }, (_, n) => {
    const { device, model } = gpus[n % gpus.length] as Gpu;
    return { host, device, gpu: model, share };
  });
}

/**
 * Checks that the folder holds a ComfyUI and that its Python can run it; the Python to use. Looks at modules without importing them, which
 * would take seconds. Error: `comfyui_not_found`, saying what is missing and how to get it.
 */
export async function checkComfyui({ path, python }: Config['comfyui']): Promise<Python> {
  const folder = path ?? '';
  if (!existsSync(join(folder, 'main.py')) || !existsSync(join(folder, 'nodes.py'))) {
    throw new ComfleetError('comfyui_not_found', `${folder} is no ComfyUI folder: it has no main.py and nodes.py`);
  }
  const program = python ?? findPython(folder);
  const { missing, builtFor } = await lookAtModules(program);
  if (missing.length > 0) {
    const how = missing.includes('torch')
      ? 'install PyTorch for this machine, then ComfyUI’s requirements.txt'
      : `run: ${program} -m pip install -r ${join(folder, 'requirements.txt')}`;
    throw new ComfleetError(
      'comfyui_not_found',
      `${program} lacks ${missing.join(', ')}, which ComfyUI needs: ${how}; or name another Python with comfyui.python`,
    );
  }
  return { program, builtFor };
}

/** A virtual environment in or beside the checkout, else the Python on the path. */
export function findPython(folder: string): string {
  const places = ['.venv', 'venv', '../.venv', '../venv'].map((place) => join(folder, place, 'bin', 'python'));
  return places.find((place) => existsSync(place)) ?? 'python3';
}

/** PyTorch says in a small file of its own what it was built for. */
const look = `import importlib.util, json, os, runpy
found = {name: importlib.util.find_spec(name) for name in ["torch", "aiohttp", "safetensors", "PIL"]}
try:
    version = runpy.run_path(os.path.join(os.path.dirname(found["torch"].origin), "version.py"))
except Exception:
    version = {}
built = "rocm" if version.get("hip") else "xpu" if version.get("xpu") else None
print(json.dumps({"missing": [name for name in found if found[name] is None], "builtFor": built}))`;

async function lookAtModules(program: string): Promise<{ missing: string[]; builtFor: Python['builtFor'] }> {
  try {
    return JSON.parse(await thisMachine.run(program, ['-c', look])) as { missing: string[]; builtFor: Python['builtFor'] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComfleetError(
      'comfyui_not_found',
      `Python cannot be run as ${program}: ${why}; name another one with comfyui.python`,
      {},
      { cause: error },
    );
  }
}
