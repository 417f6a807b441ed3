import type { Report } from './launcher.ts';

/**
 * Recognises the phases of a start in ComfyUI's log: `process` until its first line, `imports` until its nodes are loaded, `custom_nodes`
 * by the seconds that it prints for each pack, `probe` once it listens.
 */
export function createStartLog(startedAt: number, report: Pick<Report, 'phase'>): (line: string, at: number) => void {
  let importsAt: number | null = null;
  let readingTimes = false;
  let times: Record<string, number> = {};
  report.phase('process', { at: startedAt });

  const endOfTimes = (at: number): void => {
    readingTimes = false;
    const total = Object.values(times).reduce((sum, seconds) => sum + seconds, 0);
    report.phase('custom_nodes', { at: Math.max(importsAt ?? startedAt, at - total * 1000), detail: times });
  };

  return (line, at) => {
    if (importsAt === null) {
      importsAt = at;
      report.phase('imports', { at });
    }
    const time = /^\s*(\d+(?:\.\d+)?) seconds(?: \(IMPORT FAILED\))?: (.+)$/.exec(line);
    if (readingTimes && time) times = { ...times, [packName(time[2] ?? '')]: Number(time[1]) };
    else if (readingTimes && line.trim() !== '') endOfTimes(at);
    if (line.startsWith('Import times for custom nodes:')) readingTimes = true;
    if (line.startsWith('To see the GUI go to:')) report.phase('probe', { at });
  };
}

const packName = (path: string): string => path.trim().split(/[\\/]/).at(-1) ?? path;

/** What the last lines of a start that failed mean, and what to do. */
export function explainFailedStart(tail: string): string {
  const missing = /ModuleNotFoundError: No module named '([^']+)'/.exec(tail)?.[1];
  if (missing === 'torch') return `Python has no torch: install PyTorch for this GPU, then ComfyUI's requirements.txt.\n${tail}`;
  if (missing) return `Python has no module ${missing}: run pip install -r requirements.txt in the ComfyUI folder.\n${tail}`;
  if (/address already in use/i.test(tail)) return `its port was taken meanwhile; the next start takes another one.\n${tail}`;
  if (/CUDA out of memory|OutOfMemoryError/.test(tail)) return `the GPU has no memory left: stop what else uses it.\n${tail}`;
  if (/not compiled with CUDA enabled|Found no NVIDIA driver|No \w+ GPUs are available|No XPU devices are available/.test(tail)) {
    return `its PyTorch cannot use the GPU: install PyTorch for this GPU, or run on the CPU with comfyui.cpu.\n${tail}`;
  }
  return tail === '' ? 'it ended without a word' : tail;
}
