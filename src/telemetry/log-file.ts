import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { createLogger } from './logger.ts';

const turnOverBytes = 20 * 1024 * 1024;
/** So much may wait for room on the disk. */
const waitingBytes = 1024 * 1024;

/** The gateway's log: `comfleet.log` in the data folder. A large one is turned over at the start; one former file is kept. */
export function openLog(folder: string): Logger {
  const file = join(folder, 'comfleet.log');
  if (existsSync(file) && statSync(file).size > turnOverBytes) renameSync(file, `${file}.1`);
  const destination = pino.destination({ dest: file, sync: true, mkdir: true, mode: 0o600, maxLength: waitingBytes });
  // A full disk is no reason to end: what could not be written waits for the next line, and beyond that lines are left out.
  destination.on('error', () => undefined);
  return createLogger({ level: 'info', format: 'json', destination });
}
