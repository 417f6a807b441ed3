import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { PixelPool } from '../emulator/pixels/pool.ts';
import { createSystemClock } from '../fleet/system-clock.ts';
import { takeLock } from '../lock.ts';
import { createEmulatedLauncher } from './emulated.ts';
import { createProcessLauncher } from './process.ts';
import { makeSocketFolder, socketPathOf } from './protocol.ts';
import { createSupervisorServer } from './server.ts';
import { Supervisor } from './supervisor.ts';

/**
 * The supervisor's process: `main.ts --folder DATA_FOLDER [--lease-ms N]`. Its parent gets the message `ready`, or sees it end
 * with code 0 when the folder has a supervisor already. Its standard error is `supervisor.log`.
 */
function main(): void {
  const { values } = parseArgs({ options: { folder: { type: 'string' }, 'lease-ms': { type: 'string', default: '60000' } } });
  const folder = values.folder;
  if (!folder) throw new Error('--folder is missing');
  // Ctrl-C in the terminal goes to whoever is in its group; the gateway tells us what to do.
  process.on('SIGINT', () => undefined);
  const lock = takeLock(join(folder, 'supervisor.lock'));
  if (!lock) return;

  const socket = socketPathOf(folder);
  makeSocketFolder(folder);
  rmSync(socket, { force: true });
  const clock = createSystemClock();
  const exit = (): void => {
    rmSync(socket, { force: true });
    if (dirname(socket) !== folder) rmSync(dirname(socket), { recursive: true, force: true });
    process.exit(0);
  };
  const pixels = new PixelPool({ threads: Math.max(1, availableParallelism() - 1) });
  const launchers = {
    emulated: createEmulatedLauncher({ clock, pixels }),
    process: createProcessLauncher({ clock, env: process.env }),
  };
  const supervisor = new Supervisor({ clock, folder, launchers, leaseMs: Number(values['lease-ms']), onAbandoned: exit, report });
  process.on('SIGTERM', () => void supervisor.stopAll(0).finally(exit));

  const instance = `${process.pid}-${Math.floor(clock.now())}`;
  const server = createSupervisorServer({ supervisor, pid: process.pid, instance, onShutdown: exit });
  server.listen(socket, () => {
    writeFileSync(join(folder, 'supervisor.json'), `${JSON.stringify({ pid: process.pid, instance, socket })}\n`);
    tellParent();
  });
}

/** Into `supervisor.log`. Where the disk has no room for it, nobody can be told. */
function report(error: unknown): void {
  try {
    writeSync(2, `${inspect(error)}\n`);
  } catch {
    // A full disk is no reason to take all containers along.
  }
}

function tellParent(): void {
  if (!process.send) return;
  // A parent that died meanwhile has hung up already.
  process.send('ready', () => process.connected && process.disconnect());
}

main();
