import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { launch, type LaunchOptions } from '../../src/cli/child-processes.ts';

const run = promisify(execFile);

/** Runs a program to its end; its standard output. Rejects when it fails. */
export async function output(command: string, args: readonly string[], options: LaunchOptions = {}): Promise<string> {
  const child = launch(command, args, options);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}: ${child.errors()}`);
  return text;
}

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
