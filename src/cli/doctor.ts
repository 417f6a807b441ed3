import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Flags } from '../config/sources.ts';
import { ComfleetError } from '../errors.ts';
import { findPython } from '../runtimes/detect.ts';
import { askTorch, findGpus, thisMachine, type Machine, type Torch } from '../runtimes/devices.ts';
import type { ExitCode } from './failure.ts';
import { flagsOf, settingOptions } from './flags.ts';
import { bytes, palette, type Terminal } from './terminal.ts';
import type { VerbSpec } from './verb.ts';

/** `comfleet doctor`: what this machine has, and what to do about what it lacks. Changes nothing. */
export const doctorVerb: VerbSpec = {
  name: 'doctor',
  summary: 'check this machine: Node, ComfyUI, Python, GPUs, port, disk, configuration',
  examples: ['doctor', 'doctor --comfyui ~/ComfyUI'],
  remote: false,
  options: settingOptions,
  run: ({ terminal, options, json }) => doctor(terminal, { flags: flagsOf(options), json }),
};

export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly message: string;
  /** What to do; null when nothing need be done. */
  readonly next: string | null;
}

const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message, next: null });
const warning = (check: string, message: string, next: string): Finding => ({ check, state: 'warning', message, next });
const problem = (check: string, message: string, next: string): Finding => ({ check, state: 'problem', message, next });

/** SQLite before this version can corrupt a write-ahead log that two connections reset at once. */
const goodSqlite = [3, 51, 3] as const;

/** Free space below which pictures soon do not fit, bytes. */
const littleSpace = 2_000_000_000;

/** How long another program may take to answer, milliseconds. */
const patienceMs = 20_000;

export interface DoctorOptions {
  readonly flags: Flags;
  readonly json: boolean;
  readonly machine?: Machine;
}

export async function doctor(terminal: Terminal, options: DoctorOptions): Promise<ExitCode> {
  const findings: Finding[] = [node(), await sqlite()];
  const config = readConfig(terminal, options.flags, findings);
  if (config !== null) {
    findings.push(...(await comfyui(config, terminal.env, options.machine ?? thisMachine)), await port(config), space(config));
  }
  const worst = findings.some(({ state }) => state === 'problem') ? 1 : 0;
  if (options.json) {
    terminal.out.write(`${JSON.stringify({ ok: worst === 0, findings })}\n`);
    return worst;
  }
  const paint = palette(terminal.out, terminal.env);
  const marks = { ok: paint.green('ok     '), warning: paint.yellow('warning'), problem: paint.red('problem') };
  for (const { check, state, message, next } of findings) {
    const lines = message.split('\n');
    terminal.out.write(`${marks[state]}  ${check.padEnd(14)}${lines.join(`\n${' '.repeat(23)}`)}\n`);
    if (next !== null) terminal.out.write(`${' '.repeat(23)}${paint.dim(next)}\n`);
  }
  return worst;
}

function node(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return major >= 24
    ? ok('node', process.versions.node)
    : warning('node', `${process.versions.node}; it works, 24 is what comfleet is made for`, 'Install Node 24 LTS.');
}

async function sqlite(): Promise<Finding> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(':memory:');
  const row = database.prepare('SELECT sqlite_version() AS version').get();
  database.close();
  const version = String(row?.['version']);
  const parts = version.split('.').map(Number);
  const first = goodSqlite.findIndex((wanted, index) => parts[index] !== wanted);
  const good = first === -1 || (parts[first] ?? 0) > (goodSqlite[first] ?? 0);
  return good
    ? ok('sqlite', version)
    : warning(
        'sqlite',
        `${version} has a rare fault of its write-ahead log`,
        `Use a newer Node: SQLite ${goodSqlite.join('.')} or later mends it.`,
      );
}

function readConfig(terminal: Terminal, flags: Flags, findings: Finding[]): Config | null {
  try {
    const { config, notes } = loadConfig({ flags, env: terminal.env, cwd: terminal.cwd });
    findings.push(ok('configuration', config.file ?? 'defaults'));
    findings.push(...notes.map((note) => warning('configuration', note, 'Mend it, or leave it: nothing else depends on it.')));
    return config;
  } catch (error) {
    if (!(error instanceof ComfleetError)) throw error;
    findings.push(problem('configuration', error.message, 'Mend these lines; the other checks need them.'));
    return null;
  }
}

async function comfyui(config: Config, env: Terminal['env'], machine: Machine): Promise<Finding[]> {
  if (config.comfyui.urls.length > 0) return Promise.all(config.comfyui.urls.map(server));
  const folder = config.comfyui.path;
  if (folder === null) {
    const next = 'For real pictures: comfleet up --comfyui PATH|URL, or COMFYUI_HOME.';
    return [
      config.runtime === 'process' || config.runtime === 'remote'
        ? problem('comfyui', `none is named, and runtime is ${config.runtime}`, next)
        : warning('comfyui', 'none is named: containers are emulated', next),
    ];
  }
  if (!existsSync(path.join(folder, 'main.py'))) {
    return [problem('comfyui', `${folder} holds no main.py`, 'Name the folder of ComfyUI itself, the one with main.py.')];
  }
  return [ok('comfyui', folder), ...(await python(config, folder, env, machine))];
}

async function server(url: string): Promise<Finding> {
  try {
    const response = await fetch(`${url}/system_stats`, { signal: AbortSignal.timeout(patienceMs) });
    const stats = (await response.json()) as { system?: { comfyui_version?: string }; devices?: { name?: string }[] };
    const devices = stats.devices?.map(({ name }) => name).join(', ');
    return ok('comfyui', `${url}: version ${stats.system?.comfyui_version ?? 'unknown'}, ${devices ?? 'no devices named'}`);
  } catch (error) {
    const why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
    return problem(
      'comfyui',
      `${url} does not answer as ComfyUI (${why})`,
      'Start it with --listen, and check the address and its firewall.',
    );
  }
}

/** The Python that would run ComfyUI, and what its containers would run on. */
async function python({ comfyui: { python, cpu } }: Config, folder: string, env: Terminal['env'], machine: Machine): Promise<Finding[]> {
  const program = python ?? findPython(folder);
  try {
    const torch = await askTorch(program, machine);
    if (torch.torch === null) {
      const next = `Run ${program} -m pip install -r requirements.txt in ${folder}, or name another one: comfyui.python.`;
      return [problem('python', `${program} (${torch.python}) has no torch: ${torch.error ?? ''}`, next)];
    }
    const gpus = cpu ? [] : await findGpus({ program, builtFor: torch.builtFor }, env, machine);
    const found = gpus.map(({ device, model }) => `${model} (${device})`).join(', ');
    return [ok('python', `${program} ${torch.python}, torch ${torch.torch}`), device(cpu, found, torch)];
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const next = 'Make a virtual environment in the ComfyUI folder, or name a Python: comfyui.python.';
    return [problem('python', `${program} cannot be run (${why})`, next)];
  }
}

function device(cpu: boolean, found: string, { gpus }: Torch): Finding {
  if (cpu) return ok('device', 'the CPU, as configured');
  if (found === '') {
    return warning('device', 'the CPU: no GPU was found', "Install the GPU's driver and a torch for it, or say that you mean it: --cpu.");
  }
  if (gpus.length > 0) return ok('device', found);
  return warning('device', `${found}, but torch cannot use it`, 'Install a torch for this GPU, or run on the CPU with --cpu.');
}

/** Whether the gateway could listen now. */
async function port(config: Config): Promise<Finding> {
  const { host, port: wanted } = config.network;
  const code = await new Promise<string | null>((resolve) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port: wanted, exclusive: true }, () => server.close(() => resolve(null)));
  });
  if (code === null) return ok('port', `${host}:${wanted} is free`);
  return code === 'EADDRINUSE'
    ? warning('port', `${host}:${wanted} is in use, perhaps by a comfleet that runs`, 'Choose another one with --port.')
    : problem('port', `cannot listen on ${host}:${wanted} (${code})`, 'Choose another address with --host, or another port with --port.');
}

/** The nearest folder that is there tells the space and the rights. */
function space(config: Config): Finding {
  let folder = config.dataDir;
  while (!existsSync(folder)) folder = path.dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return problem('data folder', `${config.dataDir} cannot be written`, 'Choose another one with --data-dir.');
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const message = `${config.dataDir}, ${bytes(free)} free`;
  return free < littleSpace ? warning('data folder', message, 'Free space, or shorten retention.') : ok('data folder', message);
}
