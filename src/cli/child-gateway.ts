import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../version.ts';
import { adopt, kill, launch, untilGone } from './child-processes.ts';

/** This machine's environment without what would configure comfleet. */
export const cleanEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('COMFLEET_') && name !== 'COMFYUI_HOME'),
);

/** A gateway with its supervisor and containers, as processes of ours. */
export interface Gateway {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process until it said that it is ready. */
  readonly startedMs: number;
  /** Process id of the supervisor that runs now. */
  supervisor(): number;
  /** Settles when the gateway is gone, for whatever reason. */
  readonly gone: Promise<void>;
  /** Ends the gateway, its supervisor and everything they run, without waiting for jobs. */
  stop(): Promise<void>;
}

export interface GatewayOptions {
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly port?: number;
  /** What starts comfleet, where it is not this clone's own executable. */
  readonly command?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts `comfleet up` and waits for its line of JSON. */
export async function startGateway({
  args,
  dataDir,
  port = 0,
  command,
  cwd = packageRoot,
  env = cleanEnvironment,
}: GatewayOptions): Promise<Gateway> {
  const begun = performance.now();
  const [program = '', ...first] = command ?? [process.execPath, join(packageRoot, 'bin', 'comfleet.js'), 'up'];
  const child = launch(program, [...first, '--json', '--port', String(port), '--data-dir', dataDir, ...args], { cwd, env });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('close', (code) => reject(new Error(`comfleet up ended with code ${code}: ${child.errors()}`)));
  });
  const startedMs = performance.now() - begun;
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  const place = join(dataDir, 'supervisor.json');
  const supervisor = (): number => (JSON.parse(readFileSync(place, 'utf8')) as { pid: number }).pid;
  // Servers that run anyway have none.
  const supervised = existsSync(place);
  if (supervised) adopt(supervisor());
  return {
    url,
    pid,
    startedMs,
    supervisor,
    gone,
    async stop() {
      const supervisorPid = supervised ? supervisor() : null;
      // The second request to stop does not wait for running jobs.
      kill(pid, 'SIGTERM');
      await Promise.race([gone, untilGone(pid, 0.2)]);
      kill(pid, 'SIGTERM');
      if ((await untilGone(pid, 20)) === null) kill(pid, 'SIGKILL');
      if (supervisorPid !== null && (await untilGone(supervisorPid, 5)) === null) kill(supervisorPid, 'SIGKILL');
    },
  };
}
