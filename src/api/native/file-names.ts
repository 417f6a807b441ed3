import { posix } from 'node:path';
import { controlCharacters, maxNameBytes, maxSubfolderBytes } from '../../comfyui/protocol.ts';
import type { FileName } from '../../store/store.ts';

/*
 * Names of files as ComfyUI's clients write them. Nothing here is a path on any disk: files lie in the assets by content, and names
 * are rows. What ComfyUI refuses is refused all the same, with its statuses.
 */

export const isFolderType = (type: unknown): type is FileName['type'] => type === 'input' || type === 'output' || type === 'temp';

const hasControls = (name: string): boolean => name.search(controlCharacters) !== -1;

/** A name that a file in a folder can have. */
export const isPlainName = (name: string): boolean =>
  !['', '.', '..'].includes(name) &&
  !name.includes('/') &&
  !hasControls(name) &&
  name.isWellFormed() &&
  Buffer.byteLength(name) <= maxNameBytes;

/** A subfolder in the one form that names are kept in, without slashes at its ends; null when it leads out of its folder. */
export function subfolderOf(given: string): string | null {
  if (given.startsWith('/') || given.startsWith('\\') || hasControls(given) || Buffer.byteLength(given) > maxSubfolderBytes) return null;
  const path = posix.normalize(given).replace(/\/+$/, '');
  if (path === '.' || path === '') return '';
  const parts = path.split('/');
  return parts.every((part) => isPlainName(part) && !part.split('\\').includes('..')) ? path : null;
}

/** Splits `name [output]` into name and folder, as nodes write it; null: no mark. */
export function splitMark(name: string): { name: string; type: FileName['type'] | null } {
  for (const type of ['output', 'input', 'temp'] as const) {
    // ComfyUI takes the mark off with the space before it, whatever that is.
    if (name.endsWith(`[${type}]`)) return { name: name.slice(0, -(type.length + 3)), type };
  }
  return { name, type: null };
}

/** The file that `/view` asks for, or the status that refuses it. */
export function viewedName(asked: { filename: string | null; type: string | null; subfolder: string | null }): FileName | 400 | 403 | 404 {
  if (asked.filename === null) return 404;
  const { name, type: marked } = splitMark(asked.filename);
  if (name === '' || name.startsWith('/') || name.includes('..') || hasControls(name)) return 400;
  const type = marked ?? asked.type ?? 'output';
  if (!isFolderType(type)) return 400;
  const subfolder = subfolderOf(asked.subfolder ?? '');
  if (subfolder === null) return 403;
  const filename = posix.basename(name);
  return isPlainName(filename) ? { type, subfolder, filename } : 404;
}

/** Where an upload wants to lie; null: outside. The name may have folders in front, like any path. */
export function uploadName(type: FileName['type'], subfolder: string, filename: string): FileName | null {
  if (filename.split(/[/\\]/).includes('..') || filename.startsWith('/')) return null;
  const folder = subfolderOf(subfolder);
  const inner = folder === null ? null : subfolderOf(posix.join(folder, posix.dirname(filename)));
  const name = posix.basename(filename);
  return inner === null || !isPlainName(name) ? null : { type, subfolder: inner, filename: name };
}

/** The file that a loading node names: `name`, `sub/name`, either with a mark behind; null when it can be none. */
export function loadedName(value: string, otherwise: FileName['type']): FileName | null {
  const { name, type } = splitMark(value);
  return uploadName(type ?? otherwise, '', name);
}
