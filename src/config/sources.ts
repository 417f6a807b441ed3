import os from 'node:os';
import path from 'node:path';
import { closest } from './closest.ts';
import { isServerUrl, meantUrl } from './server-url.ts';
import { settings, variables, type Setting } from './environment.ts';

/** Flags and variables as an overlay on the values of `comfleet.yaml`. */

/** Flags of the command line by name without dashes (`data-dir`); a flag that may be repeated is a list. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Who set a value, and how to say so. */
export interface Origin {
  /** `--port` or `COMFLEET_PORT`. */
  readonly name: string;
  /** What to write instead. */
  readonly example: string;
}

export interface Overlay {
  /** File values with flags and variables laid over them. */
  readonly values: Record<string, unknown>;
  /** By path in dots. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly problems: readonly { readonly origin: Origin; readonly message: string }[];
}

/** `~/x` and paths relative to `base` become absolute. */
export function absolute(folder: string, base: string, env: Environment): string {
  const home = env['HOME'] ?? os.homedir();
  return path.resolve(base, folder === '~' || folder.startsWith('~/') ? path.join(home, folder.slice(1)) : folder);
}

/** Lays variables, then flags, over the values of the file. Neither is checked here but for the shape of `comfyui`. */
export function overlay(file: Record<string, unknown>, source: { flags: Flags; env: Environment; cwd: string }): Overlay {
  const values = structuredClone(file);
  const origins = new Map<string, Origin>();
  const problems: { origin: Origin; message: string }[] = [];
  for (const setting of settings) {
    const fromEnv = source.env[setting.variable];
    const fromFlag = source.flags[setting.flag];
    const given = fromFlag ?? (fromEnv === '' ? undefined : fromEnv);
    if (given === undefined) continue;
    const name = fromFlag === undefined ? setting.variable : `--${setting.flag}`;
    const origin = { name, example: exampleOf(name, setting.example) };
    if (setting.kind === 'comfyui') {
      const read = readComfyui(given, source.cwd, source.env);
      if ('problem' in read)
        problems.push({ origin: read.meant ? { ...origin, example: exampleOf(origin.name, read.meant) } : origin, message: read.problem });
      else {
        const { path: _path, urls: _urls, ...others } = asMapping(values['comfyui']);
        values['comfyui'] = { ...others, ...read };
        origins.set('comfyui.path', origin).set('comfyui.urls', origin);
      }
    } else {
      put(values, setting.path, readValue(setting, given, source.cwd, source.env));
      origins.set(setting.path.join('.'), origin);
    }
  }
  const home = source.env['COMFYUI_HOME'];
  const comfyui = asMapping(values['comfyui']);
  if (home !== undefined && home !== '' && comfyui['path'] === undefined && comfyui['urls'] === undefined) {
    const origin = { name: 'COMFYUI_HOME', example: 'COMFYUI_HOME=~/ComfyUI' };
    if (isServerUrl(home) || meantUrl(home) !== null)
      problems.push({ origin, message: `is a folder, and ${home} is none; --comfyui takes URLs` });
    values['comfyui'] = { ...comfyui, path: absolute(home, source.cwd, source.env) };
    origins.set('comfyui.path', origin);
  }
  return { values, origins, problems };
}

/** Variables that look like ours and are not: a note for each, since a typing error would otherwise be silent. */
export function strangeVariables(env: Environment): string[] {
  const prefix = 'COMFLEET_';
  const known = variables.map(({ name }) => name);
  // COMFYUI_HOME is ComfyUI's own.
  const ours = known.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .flatMap((name) => {
      const near = closest(name.slice(prefix.length), ours);
      return near === null ? [] : [`${name} is not a variable of comfleet and was ignored; did you mean ${prefix}${near}?`];
    });
}

const asMapping = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

function readValue(setting: Setting, given: string | boolean | readonly string[], cwd: string, env: Environment): unknown {
  if (typeof given !== 'string') return given;
  const text = given.trim();
  if (setting.kind === 'number') return text !== '' && Number.isFinite(Number(text)) ? Number(text) : given;
  if (setting.kind === 'boolean') {
    if (['true', '1', 'yes', 'on'].includes(text.toLowerCase())) return true;
    return ['false', '0', 'no', 'off'].includes(text.toLowerCase()) ? false : given;
  }
  return setting.kind === 'folder' ? absolute(given, cwd, env) : given;
}

function readComfyui(
  given: string | boolean | readonly string[],
  cwd: string,
  env: Environment,
): { path: string } | { urls: string[] } | { problem: string; meant?: string } {
  const parts = (typeof given === 'string' ? given.split(',') : Array.isArray(given) ? (given as string[]) : [])
    .flatMap((part) => part.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const urls = parts.filter(isServerUrl);
  for (const part of parts.filter((one) => !urls.includes(one))) {
    const meant = meantUrl(part);
    if (meant !== null) return { problem: `takes a folder or http(s) URLs, and ${part} is neither`, meant };
  }
  const folders = parts.filter((part) => !urls.includes(part));
  if (urls.length > 0 && folders.length > 0) return { problem: 'names a folder and URLs; give one or the other' };
  if (folders.length > 1) return { problem: `names ${folders.length} folders; give one` };
  const [folder] = folders;
  if (folder !== undefined) return { path: absolute(folder, cwd, env) };
  return urls.length > 0 ? { urls } : { problem: 'is empty; give the folder that holds main.py, or the URL of a server' };
}

const exampleOf = (name: string, value: string): string => (name.startsWith('--') ? `${name} ${value}` : `${name}=${value}`);

function put(values: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key, ...rest] = keys;
  if (key === undefined) return;
  if (rest.length === 0) values[key] = value;
  else {
    const inner = asMapping(values[key]);
    values[key] = inner;
    put(inner, rest, value);
  }
}
