import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { kill, launch, pause, untilGone } from '../../src/cli/child-processes.ts';
import { output } from './processes.ts';

/** A program that a bench compares with. */
export interface Reference {
  readonly urls: readonly string[];
  readonly pid: number;
  stop(): Promise<void>;
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Starts one of our own files whose first line of output is a JSON list of URLs. */
async function start(name: string, args: readonly string[]): Promise<Reference> {
  const child = launch(process.execPath, [file(name), ...args]);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('close', (code) => reject(new Error(`${name} ended with code ${code}: ${child.errors()}`)));
  });
  return { urls: JSON.parse(line) as string[], pid: child.pid!, stop: () => end(child.pid!) };
}

async function end(pid: number): Promise<void> {
  kill(pid, 'SIGTERM');
  if ((await untilGone(pid, 5)) === null) kill(pid, 'SIGKILL');
}

/** Emulated ComfyUI servers in a process of their own. */
export const emulatedServers = (folder: string, count: number): Promise<Reference> => start('emulated-servers.ts', [folder, String(count)]);

/** Servers that send previews when asked to, all in a process of their own. */
export const previewServers = (count: number): Promise<Reference> => start('preview-servers.ts', [String(count)]);

/** A bare HTTP server that answers 202 after one synced append. */
export const bareServer = (folder: string): Promise<Reference> => start('bare-server.ts', [folder]);

/** A plain server of the files in a folder. */
export const staticServer = (folder: string): Promise<Reference> => start('static-server.ts', [folder]);

const proxyName = 'comfy-api-proxy';

/** Comfy Org's proxy of the Comfy API v2 in front of a ComfyUI server; why not, where it cannot be had. */
export async function comfyApiProxy(folder: string, comfyui: string): Promise<(Reference & { version: string }) | string> {
  const bin = join(folder, 'venv', 'bin');
  try {
    await output('python3', ['-m', 'venv', join(folder, 'venv')]);
    await output(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', proxyName]);
  } catch (error) {
    return `${proxyName} could not be installed: ${(error as Error).message.split('\n').at(-1)}`;
  }
  if (!existsSync(join(bin, proxyName))) return `${proxyName} has no program of its name`;
  const shown = await output(join(bin, 'pip'), ['show', proxyName]);
  const version = /^Version: (.*)$/m.exec(shown)?.[1] ?? '';
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = launch(join(bin, proxyName), ['run', '--comfyui', comfyui, '--port', String(port), '--state-dir', join(folder, 'proxy')]);
  child.stdout.resume();
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/api/v2/health`).catch(() => null);
    await answer?.text();
    if (answer?.ok) return { urls: [url], version, pid: child.pid!, stop: () => end(child.pid!) };
    await pause(50);
  }
  await end(child.pid!);
  return `${proxyName} ${version} did not start: ${child.errors().split('\n').at(-2) ?? ''}`;
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
  return promise;
}
