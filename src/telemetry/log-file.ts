import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { createLogger } from './logger.ts';

const turnOverBytes = 20 * 1024 * 1024;

/** The gateway's log: `comfleet.log` in the data folder. A large one is turned over at the start; one former file is kept. */
export function openLog(folder: string): Logger {
  const file = join(folder, 'comfleet.log');
  if (existsSync(file) && statSync(file).size > turnOverBytes) renameSync(file, `${file}.1`);
  return createLogger({
    level: 'info',
    format: 'json',
    destination: pino.destination({ dest: file, sync: true, mkdir: true, mode: 0o600 }),
  });
}
