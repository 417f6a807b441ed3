import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ComfleetError } from './errors.ts';
import { takeLock } from './lock.ts';

/** The folder that holds everything which outlives a process. One gateway owns it at a time. */
export interface DataFolder {
  readonly path: string;
  readonly database: string;
  readonly assets: string;
  /** Notes where this gateway listens, for whoever finds the folder taken. */
  announce(url: string): void;
  release(): void;
}

/** Makes the folder and takes its lock. Errors: `data_folder_in_use`, `data_folder_unusable`. */
export function openDataFolder(path: string): DataFolder {
  makeFolder(path);
  const lock = takeLock(join(path, 'gateway.lock'));
  if (!lock) throw new ComfleetError('data_folder_in_use', `${path} is used by another comfleet${ownerOf(path)}`);
  return {
    path,
    database: join(path, 'comfleet.db'),
    assets: join(path, 'assets'),
    announce: (url) => writeFileSync(join(path, 'gateway.json'), `${JSON.stringify({ pid: process.pid, url })}\n`),
    release: () => lock.release(),
  };
}

function ownerOf(path: string): string {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(path, 'gateway.json'), 'utf8')) as { pid: number; url: string };
    return ` (process ${pid}, ${url})`;
  } catch {
    // The owner has not said yet where it listens.
    return '';
  }
}

/** Level by level: Node's own recursive way never ends where the system denies that a folder exists which it will not make, as in /proc. */
function makeFolder(path: string): void {
  try {
    const missing: string[] = [];
    for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
    for (const folder of missing) mkdirSync(folder, { mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error('it is a file');
    accessSync(path, constants.W_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComfleetError('data_folder_unusable', `${path} cannot be the data folder: ${why}`, {}, { cause: error });
  }
}
