import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Makes the folder and takes its lock. Errors: `data_folder_in_use`. */
export function openDataFolder(path: string): DataFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
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
