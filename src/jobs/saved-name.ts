import { controlCharacters, cut, maxNameBytes, maxSubfolderBytes, type FileReference, type Graph } from '../comfyui/protocol.ts';

/** Where a file that a container saved belongs among a caller's own, but for its number. */
export interface SavedName {
  readonly subfolder: string;
  readonly stem: string;
  /** With the dot; empty when there is none. */
  readonly extension: string;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
}

export interface SavedFile {
  readonly graph: Graph;
  /** The node that saved it. */
  readonly node: string;
  readonly file: FileReference;
  readonly at: number;
  /** Null when it is no picture. */
  readonly picture: Picture | null;
}

const usual = 'ComfyUI';
/** What stands between stem and extension: a number of seven digits between two `_`. */
const numberBytes = 9;
/** More than that behind a dot is no extension. */
const maxExtensionBytes = 32;

/**
 * The name that ComfyUI would have given: containers save under a prefix of the job's own, so a saving node's prefix is read from the
 * client's graph, with what ComfyUI puts in for `%...%`, but for `%batch_num%`, by which it does not count. Files that have no prefix
 * there keep their container's name without its number.
 * What `/view` would refuse, for which the job has been run all the same, is changed: control characters, `..`, and what is too long.
 */
export function savedName(saved: SavedFile): SavedName {
  const { graph, node, file } = saved;
  const [name, extension] = splitExtension(file.filename);
  const inputs = Object.hasOwn(graph, node) ? graph[node]?.inputs : undefined;
  const hasPrefix = inputs !== undefined && Object.hasOwn(inputs, 'filename_prefix');
  if (!hasPrefix) return nameOf(`${file.subfolder}/${name.replace(/_\d+_?$/, '')}`, extension);
  const prefix = inputs['filename_prefix'];
  return nameOf(typeof prefix === 'string' ? fill(prefix, saved) : usual, extension);
}

/** Does this prefix need the size of the picture? */
export const namesSize = (graph: Graph, node: string): boolean => {
  const prefix = Object.hasOwn(graph, node) ? graph[node]?.inputs?.['filename_prefix'] : undefined;
  return typeof prefix === 'string' && /%(width|height)%/.test(prefix);
};

function splitExtension(filename: string): [name: string, extension: string] {
  const clean = printable(filename);
  const dot = clean.lastIndexOf('.');
  return dot > 0 && Buffer.byteLength(clean) - dot <= maxExtensionBytes ? [clean.slice(0, dot), clean.slice(dot)] : [clean, ''];
}

/** Steps out of the folder are dropped: names are all that a prefix can choose. */
function nameOf(path: string, extension: string): SavedName {
  const parts = printable(path)
    .split(/[/\\]/)
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  const stem = (parts.pop() ?? usual).replaceAll(/\.{2,}/g, '.');
  return { stem: cut(stem, maxNameBytes - numberBytes - Buffer.byteLength(extension)), subfolder: subfolderOf(parts), extension };
}

/** As many folders as fit. */
function subfolderOf(parts: readonly string[]): string {
  let subfolder = '';
  for (const part of parts) {
    const deeper = `${subfolder}${subfolder === '' ? '' : '/'}${cut(part, maxNameBytes)}`;
    if (Buffer.byteLength(deeper) > maxSubfolderBytes) break;
    subfolder = deeper;
  }
  return subfolder;
}

const printable = (text: string): string => text.toWellFormed().replaceAll(controlCharacters, '_');

function fill(prefix: string, { at, picture }: SavedFile): string {
  if (!prefix.includes('%')) return prefix;
  const time = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const values: Readonly<Record<string, string>> = {
    year: String(time.getFullYear()),
    month: two(time.getMonth() + 1),
    day: two(time.getDate()),
    hour: two(time.getHours()),
    minute: two(time.getMinutes()),
    second: two(time.getSeconds()),
    ...(picture && { width: String(picture.width), height: String(picture.height) }),
  };
  return prefix.replaceAll(/%([a-z_]+)%/g, (all, name: string) => values[name] ?? all);
}
