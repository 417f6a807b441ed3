import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Processes that this one started, each in a group of its own: none of them outlives it, however it ends by itself. */
const groups = new Set<number>();

export interface LaunchOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export type Launched = ChildProcessByStdio<null, Readable, Readable> & { readonly errors: () => string };

/** Starts a program whose standard output is read by the caller; its standard error is kept in `errors` (the last of it). */
export function launch(command: string, args: readonly string[], options: LaunchOptions = {}): Launched {
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4_000)));
  const { pid } = child;
  if (pid !== undefined) {
    adopt(pid);
    child.once('exit', () => groups.delete(pid));
  }
  return Object.assign(child, { errors: () => errors });
}

/** Sees to it that this process, which a program of ours started, does not outlive us. */
export function adopt(pid: number): void {
  if (!process.listeners('exit').includes(killAll)) process.once('exit', killAll);
  groups.add(pid);
}

/** Kills a process group, or, where there is none of that number, the process. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until the process is gone; the seconds it took, null when it was still there after `seconds`. */
export async function untilGone(pid: number, seconds: number): Promise<number | null> {
  const begun = performance.now();
  while (isAlive(pid)) {
    if (performance.now() - begun > seconds * 1_000) return null;
    await pause(20);
  }
  groups.delete(pid);
  return (performance.now() - begun) / 1_000;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills whatever is left. */
function killAll(): void {
  for (const pid of groups) kill(pid, 'SIGKILL');
  groups.clear();
}
