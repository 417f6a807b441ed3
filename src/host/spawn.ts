import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';

/** A supervisor that is still starting after this time has failed. */
const startTimeoutMs = 20_000;
/** Starts are remembered for so long. */
export const startsWindowMs = 60_000;
const startsAtOnce = 5;
const longestPauseMs = 30_000;

/**
 * Pause before another supervisor is started, by how many were started lately: none at first, since one that was killed should be back at
 * once; a longer and longer one when they die again and again.
 */
export const pauseBeforeStart = (lately: number): number =>
  lately < startsAtOnce ? 0 : Math.min(longestPauseMs, 200 * 2 ** (lately - startsAtOnce));

export interface SpawnOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly leaseMs?: number;
}

/**
 * Starts the supervisor as a process of its own group, with its words in `supervisor.log`. True when it listens; false when the folder has
 * a supervisor already. Error: `supervisor_failed`.
 */
export async function spawnSupervisor({ folder, clock, leaseMs }: SpawnOptions): Promise<boolean> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(join(folder, 'supervisor.log'), 'a', 0o600);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`main.${extension}`, import.meta.url));
  const args = ['--folder', folder, ...(leaseMs === undefined ? [] : ['--lease-ms', String(leaseMs)])];
  const child = fork(main, args, { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  try {
    return await new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new ComfleetError('supervisor_failed', `${why}; see ${join(folder, 'supervisor.log')}`));
      const timer = clock.at(clock.now() + startTimeoutMs, () => {
        child.kill('SIGKILL');
        fail('the supervisor did not start in time');
      });
      child.once('message', () => (timer.cancel(), resolve(true)));
      child.once('error', (error) => (timer.cancel(), fail(error.message)));
      child.once('exit', (code, signal) => {
        timer.cancel();
        if (code === 0) resolve(false);
        else fail(`the supervisor ended with ${signal ?? `code ${code}`}`);
      });
    });
  } finally {
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
}
