import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import type { Slot } from '../fleet/container.ts';
import type { Launch } from '../host/protocol.ts';

const toolTimeoutMs = 10_000;
/** PyTorch with the libraries of a GPU is gigabytes, which a slow disk has to read once. */
const torchTimeoutMs = 60_000;

/** What tells which GPUs a machine has; tests have others. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Model of the processor; on Apple silicon the GPU is a part of it. */
  readonly processor: string;
  /** What a program writes; rejects when it is missing, fails or takes too long. */
  run(program: string, args: readonly string[], timeoutMs?: number): Promise<string>;
}

export const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  processor: cpus()[0]?.model ?? 'Apple GPU',
  run: async (program, args, timeoutMs = toolTimeoutMs) => (await promisify(execFile)(program, args, { timeout: timeoutMs })).stdout,
};

/** A Python that can run ComfyUI. */
export interface Python {
  readonly program: string;
  /** The GPUs that its PyTorch was built for, beside NVIDIA's and Apple's, which the machine itself tells of. */
  readonly builtFor: 'rocm' | 'xpu' | null;
}

/** A GPU, or a choice of GPUs that only ComfyUI can make. */
export interface Gpu {
  /** `gpu0`: the one of this number; any other word: the one that ComfyUI chooses itself. */
  readonly device: string;
  readonly model: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The GPUs that a ComfyUI run by this Python can use; none: it runs on the CPU. PyTorch has the last word: one that was built for AMD's or
 * Intel's GPUs uses no other, and one that was not does not use those, so that an AMD or Intel processor with its own graphics counts as none.
 */
export async function findGpus(python: Python, env: Environment, machine: Machine = thisMachine): Promise<readonly Gpu[]> {
  if (python.builtFor === 'rocm') return numberedAsVisible(await gpusOfTorch(python, machine), env);
  if (python.builtFor === 'xpu') return (await gpusOfTorch(python, machine)).slice(0, 1).map((model) => ({ device: 'xpu', model }));
  if (machine.platform === 'darwin') return machine.arch === 'arm64' ? [{ device: 'mps', model: machine.processor }] : [];
  return visibleGpus(await nvidiaGpus(machine), env['CUDA_VISIBLE_DEVICES']).map(({ index, model }) => ({ device: `gpu${index}`, model }));
}

/** How a container is told of its slot's GPU. */
export function deviceOf({ gpu, device }: Slot): Extract<Launch, { kind: 'process' }>['device'] {
  if (gpu === null) return { kind: 'cpu' };
  const index = /^gpu(\d+)$/.exec(device)?.[1];
  return index === undefined ? { kind: 'default' } : { kind: 'cuda', index: Number(index) };
}

/** What PyTorch says of itself, and of the GPUs that it can use here. */
export interface Torch {
  readonly python: string;
  /** Its version; null: it is not there, or cannot be imported, and `error` says why. */
  readonly torch: string | null;
  readonly builtFor: Python['builtFor'];
  readonly gpus: readonly string[];
  readonly error?: string;
}

const question = `import sys, json
r = {"python": sys.version.split()[0], "torch": None, "builtFor": None, "gpus": []}
try:
    import torch
    r["torch"] = torch.__version__
    xpu = getattr(torch, "xpu", None)
    if torch.version.hip:
        r["builtFor"] = "rocm"
    elif getattr(torch.version, "xpu", None):
        r["builtFor"] = "xpu"
    if torch.cuda.is_available():
        r["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    elif xpu and xpu.is_available():
        r["gpus"] = [xpu.get_device_name(i) for i in range(xpu.device_count())]
    elif getattr(torch.backends, "mps", None) and torch.backends.mps.is_available():
        r["gpus"] = ["Apple GPU"]
except Exception as e:
    r["error"] = str(e)
print(json.dumps(r))`;

/** Asks PyTorch itself, which takes seconds to import. Rejects when the Python cannot be run. */
export async function askTorch(program: string, machine: Machine = thisMachine): Promise<Torch> {
  return JSON.parse(await machine.run(program, ['-c', question], torchTimeoutMs)) as Torch;
}

async function gpusOfTorch({ program }: Python, machine: Machine): Promise<readonly string[]> {
  try {
    return (await askTorch(program, machine)).gpus.map(gpuModel);
  } catch {
    // No driver, or a PyTorch that cannot be imported: no GPU that ComfyUI could use.
    return [];
  }
}

/**
 * AMD's GPUs under the numbers that ComfyUI takes: those of HIP_VISIBLE_DEVICES where that is set, which PyTorch has followed already. Names
 * instead of numbers cannot be handed on: then ComfyUI chooses.
 */
function numberedAsVisible(models: readonly string[], env: Environment): readonly Gpu[] {
  const visible = env['HIP_VISIBLE_DEVICES'] ?? env['CUDA_VISIBLE_DEVICES'];
  const numbers = visible?.split(',').map((number) => number.trim()) ?? models.map((_, index) => String(index));
  const gpus = models.map((model, place) => ({ device: `gpu${numbers[place]}`, model }));
  return gpus.every(({ device }) => /^gpu\d+$/.test(device)) ? gpus : gpus.slice(0, 1).map(({ model }) => ({ device: 'hip', model }));
}

interface NvidiaGpu {
  readonly index: number;
  readonly uuid: string;
  readonly model: string;
}

/**
 * The GPUs that CUDA_VISIBLE_DEVICES leaves, in its order: numbers or beginnings of UUIDs. As with CUDA, the first unknown one ends the
 * list. Undefined leaves all.
 */
export function visibleGpus(gpus: readonly NvidiaGpu[], visible: string | undefined): readonly NvidiaGpu[] {
  if (visible === undefined) return gpus;
  const named = visible.split(',').map((name) => {
    const text = name.trim();
    return gpus.find(({ index, uuid }) => text === String(index) || (text.startsWith('GPU-') && uuid.startsWith(text)));
  });
  const unknown = named.indexOf(undefined);
  return (unknown === -1 ? named : named.slice(0, unknown)) as NvidiaGpu[];
}

/** GPUs by nvidia-smi; none where it is missing or fails. */
async function nvidiaGpus(machine: Machine): Promise<NvidiaGpu[]> {
  try {
    const listed = await machine.run('nvidia-smi', ['--query-gpu=index,uuid,name', '--format=csv,noheader']);
    return listed
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

/** `cuda:0 NVIDIA A10G : cudaMallocAsync` and `NVIDIA A10G` are both an A10G. */
export const gpuModel = (name: string): string =>
  name
    .replace(/^\w+:\d+\s+/, '')
    .replace(/\s+:.*$/, '')
    .replace(/^NVIDIA\s+/, '')
    .trim();
