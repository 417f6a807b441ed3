import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** Processes that a bench started, each in a group of its own: none of them outlives the bench, however that ends. */
const groups = new Set<number>();

const run = promisify(execFile);

export interface LaunchOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a program whose standard output is read by the caller; its standard error is kept in `errors` (the last of it). */
export function launch(command: string, args: readonly string[], options: LaunchOptions = {}): ChildProcess & { errors: () => string } {
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4_000)));
  const { pid } = child;
  if (pid !== undefined) {
    groups.add(pid);
    child.once('exit', () => groups.delete(pid));
  }
  return Object.assign(child, { errors: () => errors });
}

/** Sees to it that this process, which a program of ours started, does not outlive the bench. */
export const adopt = (pid: number): void => void groups.add(pid);

/** Runs a program to its end; its standard output. Rejects when it fails. */
export async function output(command: string, args: readonly string[], options: LaunchOptions = {}): Promise<string> {
  const child = launch(command, args, options);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}: ${child.errors()}`);
  return text;
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

export function isAlive(pid: number): boolean {
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

/** Memory in use by processes, MiB, together. */
export async function memoryOf(pids: readonly number[]): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', pids.join(',')]);
  return stdout.split('\n').reduce((sum, line) => sum + Number(line), 0) / 1_024;
}

/** Seconds that the main thread of a process ran on a core, and that it waited for one; null where the system does not tell. */
export function coreSeconds(pid: number): { ran: number; waited: number } | null {
  const file = `/proc/${pid}/task/${pid}/schedstat`;
  if (!existsSync(file)) return null;
  const [ran = 0, waited = 0] = readFileSync(file, 'utf8').split(' ').map(Number);
  return { ran: ran / 1e9, waited: waited / 1e9 };
}

/** Kills whatever is left. */
export function killAll(): void {
  for (const pid of groups) kill(pid, 'SIGKILL');
  groups.clear();
}

process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
