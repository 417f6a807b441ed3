import type { FileReference, Graph } from '../comfyui/protocol.ts';

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

/**
 * The name that ComfyUI would have given: containers save under a prefix of the job's own, so a saving node's prefix is read from the
 * client's graph, with ComfyUI's placeholders filled in, but for `%batch_num%`, by which it does not count. Files that have no prefix there keep their container's name without its number.
 */
export function savedName(saved: SavedFile): SavedName {
  const { graph, node, file } = saved;
  const dot = file.filename.lastIndexOf('.');
  const [name, extension] = dot > 0 ? [file.filename.slice(0, dot), file.filename.slice(dot)] : [file.filename, ''];
  const inputs = Object.hasOwn(graph, node) ? graph[node]?.inputs : undefined;
  const hasPrefix = inputs !== undefined && Object.hasOwn(inputs, 'filename_prefix');
  if (!hasPrefix) return { ...splitPath(`${file.subfolder}/${name.replace(/_\d+_?$/, '')}`), extension };
  const prefix = inputs['filename_prefix'];
  return { ...splitPath(typeof prefix === 'string' ? fill(prefix, saved) : usual), extension };
}

/** Does this prefix need the size of the picture? */
export const namesSize = (graph: Graph, node: string): boolean => {
  const prefix = Object.hasOwn(graph, node) ? graph[node]?.inputs?.['filename_prefix'] : undefined;
  return typeof prefix === 'string' && /%(width|height)%/.test(prefix);
};

/** Steps out of the folder are dropped: names are all that a prefix can choose. */
function splitPath(path: string): { subfolder: string; stem: string } {
  const parts = path.split(/[/\\]/).filter((part) => part !== '' && part !== '.' && part !== '..');
  return { stem: parts.pop() ?? usual, subfolder: parts.join('/') };
}

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
