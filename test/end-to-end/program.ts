import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The real program, as processes of their own. */

const bin = fileURLToPath(new URL('../../bin/comfleet.js', import.meta.url));
const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const goneTriesMs = 20;

/** A sampler's step takes so long with `fixtures/steps.json`, milliseconds. */
export const stepMs = 10;

/** Nothing of this machine's own settings reaches the program. */
const cleanEnv = (extra: Record<string, string> = {}): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !/^COM(FLEET|FYUI)_/.test(entry[0]))),
  NO_COLOR: '1',
  ...extra,
});

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs one command of `comfleet` to its end. */
export async function comfleet(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<Ran> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: options.cwd ?? tmpdir(), env: cleanEnv(options.env) });
  child.stdin.end();
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  return { code, out, err };
}

export type ConfigFile = Readonly<Record<string, unknown>>;

/** Two deployments: `draw` (the default) takes `steps` x 10 ms, `tint` needs no model and takes a picture. */
export const usualConfig = {
  network: { port: 0 },
  runtime: 'emulated',
  profile: join(fixtures, 'steps.json'),
  gpus: { A10G: { usd_per_hour: 3.6 } },
  deployments: {
    draw: {
      default: true,
      workflow: join(fixtures, 'draw.json'),
      inputs: {
        prompt: { target: '2.text' },
        seed: { target: '5.seed', random: true },
        steps: { target: '5.steps', min: 1, max: 9000 },
        size: { target: ['4.width', '4.height'], type: 'int', min: 64, max: 512 },
      },
      outputs: ['7'],
      scaling: { scaledown_window: '60s' },
    },
    tint: {
      workflow: join(fixtures, 'tint.json'),
      files: { 'background.png': join(fixtures, 'background.png') },
      inputs: { background: { target: '1.image', type: 'image' }, strength: { target: '3.blend_factor', min: 0, max: 1 } },
      outputs: ['4'],
    },
  },
} as const;

/** The usual configuration with other scaling settings or another timeout of `draw`. */
export const drawWith = (change: { scaling?: object; execution_timeout?: string }) => ({
  deployments: { ...usualConfig.deployments, draw: { ...usualConfig.deployments.draw, ...change } },
});

/** A new temporary folder, and how to remove it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'comfleet-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes a configuration as YAML, of which JSON is a part. */
export function writeConfig(folder: string, config: ConfigFile): string {
  const file = join(folder, 'comfleet.yaml');
  writeFileSync(file, JSON.stringify(config, null, 2));
  return file;
}

export interface ReadyLine {
  readonly url: string;
  readonly dashboard: string;
  readonly comfyui_page: string | null;
  readonly pid: number;
  readonly runtime: string;
  readonly deployments: readonly { name: string; default: boolean; problems: readonly string[] }[];
  readonly data_dir: string;
  readonly notes: readonly string[];
}

export interface UpOptions {
  /** Top-level keys that replace those of `usualConfig`. */
  readonly config?: ConfigFile;
  /** The folder of an instance before: this one goes on with its data. */
  readonly folder?: string;
  readonly flags?: readonly string[];
  readonly env?: Record<string, string>;
  readonly dataDir?: string;
}

/** `comfleet up --json` in a process group of its own, ready. */
export class Program {
  readonly folder: string;
  readonly dataDir: string;
  readonly ready: ReadyLine;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #err: string[];

  private constructor(child: ChildProcessWithoutNullStreams, err: string[], parts: { folder: string; dataDir: string; ready: ReadyLine }) {
    this.#child = child;
    this.#err = err;
    this.folder = parts.folder;
    this.dataDir = parts.dataDir;
    this.ready = parts.ready;
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  }

  static async up(options: UpOptions = {}): Promise<Program> {
    const folder = options.folder ?? temporaryFolder().path;
    const dataDir = options.dataDir ?? join(folder, 'data');
    mkdirSync(dataDir, { recursive: true });
    const file = writeConfig(folder, { ...usualConfig, ...options.config });
    const flags = ['up', '--json', '--config', file, '--data-dir', dataDir, ...(options.flags ?? [])];
    const child = spawn(process.execPath, [bin, ...flags], { cwd: folder, env: cleanEnv(options.env), detached: true });
    child.stdin.end();
    const err: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => err.push(chunk));
    const lines = createInterface({ input: child.stdout });
    const line = await Promise.race([once(lines, 'line'), once(child, 'close').then(() => null)]);
    if (line === null) throw new Error(`comfleet up ended before it was ready: ${err.join('')}`);
    const ready = JSON.parse(String(line[0])) as ReadyLine;
    return new Program(child, err, { folder, dataDir, ready });
  }

  get url(): string {
    return this.ready.url;
  }

  get err(): string {
    return this.#err.join('');
  }

  get supervisorPid(): number {
    return (JSON.parse(readFileSync(join(this.dataDir, 'supervisor.json'), 'utf8')) as { pid: number }).pid;
  }

  /** Waits for words on stderr. */
  async says(words: string): Promise<void> {
    while (!this.err.includes(words)) await once(this.#child.stderr, 'data');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** `kill -9` of the gateway alone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  killSupervisor(): void {
    process.kill(this.supervisorPid, 'SIGKILL');
  }

  /** Stops it at once, also its supervisor if that was left, and removes its folder. */
  async remove(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The same, but its data stay. */
  async end(): Promise<void> {
    await this.kill();
    // Servers by URL have no supervisor.
    if (!existsSync(join(this.dataDir, 'supervisor.json'))) return;
    const pid = this.supervisorPid;
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await gone(pid);
  }
}

/** A process that died and that nobody has asked after is none. */
export function isAlive(pid: number): boolean {
  try {
    return !/^(Z|$)/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  } catch {
    return false;
  }
}

/** Settles when the process is no more. It is no child of ours, so there is no event to wait for. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, goneTriesMs));
}
