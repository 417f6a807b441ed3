import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, normalize, resolve, sep } from 'node:path';
import type { FileReference } from '../comfyui/protocol.ts';
import { PythonError, repr } from '../comfyui/python.ts';

export type FolderType = FileReference['type'];
export const isFolderType = (type: string): type is FolderType => type === 'input' || type === 'output' || type === 'temp';

/** Up to this size, waiting for a file takes less than handing the work to another thread. */
const smallFile = 64 * 1024;
/** Folders whose names are remembered; others are read again. */
const rememberedFolders = 16;

/** The names in a folder, as of its time of change. */
interface Listing {
  modified: bigint;
  readonly names: string[];
  /** Of the prefix that was saved last: mostly it is the next one, too. */
  last: { readonly prefix: string; readonly number: number } | null;
}

export interface FileInfo {
  readonly path: string;
  readonly size: number;
  readonly modified: Date;
  readonly etag: string;
}

/** The input, output and temp folders of one container. They are made when something is first written. */
export class Files {
  readonly root: string;
  /** Reading a folder of a thousand files takes longer than all else that saving does. */
  readonly #listings = new Map<string, Listing>();

  constructor(root: string) {
    this.root = resolve(root);
  }

  folder(type: FolderType): string {
    return join(this.root, type);
  }

  /** Where a file lies, or null when the name leads out of its folder. */
  path(type: FolderType, subfolder: string, filename: string): string | null {
    const base = this.folder(type);
    const path = resolve(base, subfolder, filename);
    return path.startsWith(base + sep) ? path : null;
  }

  /** Splits `name [output]` into name and folder, as nodes write it; without a mark it is an input. */
  annotated(name: string, otherwise: FolderType = 'input'): { name: string; type: FolderType; marked: boolean } {
    for (const type of ['output', 'input', 'temp'] as const) {
      if (name.endsWith(`[${type}]`)) return { name: name.slice(0, -(type.length + 3)), type, marked: true };
    }
    return { name, type: otherwise, marked: false };
  }

  /** The file that a loading node names; null when it is not there. */
  named(name: unknown): FileInfo | null {
    if (typeof name !== 'string') return null;
    const { name: filename, type } = this.annotated(name);
    const path = this.path(type, '', filename);
    return path === null ? null : this.info(path);
  }

  /** Null: there is no such file, nor can there be one, as with a name that is too long. */
  info(path: string): FileInfo | null {
    const stats = statsOf(path);
    if (!stats?.isFile()) return null;
    const etag = `"${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}"`;
    return { path, size: Number(stats.size), modified: stats.mtime, etag };
  }

  async read(file: FileInfo): Promise<Buffer> {
    return file.size <= smallFile ? readFileSync(file.path) : readFile(file.path);
  }

  /** Files in the top of a folder, newest first; none when the folder was not made yet. */
  async list(type: FolderType): Promise<string[]> {
    if (!existsSync(this.folder(type))) return [];
    const names = await readdir(this.folder(type));
    const files = names.flatMap((name) => {
      const stats = statSync(join(this.folder(type), name), { bigint: true, throwIfNoEntry: false });
      return stats?.isFile() ? [{ name, modified: stats.mtimeNs }] : [];
    });
    return files.sort((a, b) => Number(b.modified - a.modified)).map(({ name }) => name);
  }

  /** Stores an upload. A taken name gets ` (1)` and so on, unless the bytes are equal or it may be overwritten. */
  async upload(type: FolderType, subfolder: string, filename: string, content: Buffer, overwrite: boolean): Promise<string> {
    const suffix = extname(filename);
    const stem = filename.slice(0, filename.length - suffix.length);
    for (let number = 0; ; number++) {
      const name = number === 0 ? filename : `${stem} (${number})${suffix}`;
      const path = join(this.folder(type), subfolder, name);
      const there = this.info(path);
      if (there && !overwrite) {
        if (there.size === content.length && (await this.read(there)).equals(content)) return name;
        continue;
      }
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      return name;
    }
  }

  /**
   * Saves files as `<prefix>_<number>_.png` (or another suffix), counting on from the highest number there. `%batch_num%` becomes the index.
   * Throws PythonError when the prefix leads out of the folder, or when no file can have such a name.
   */
  async save(type: FolderType, prefix: string, files: readonly Uint8Array[], suffix = 'png'): Promise<FileReference[]> {
    try {
      return await this.#save(type, prefix, files, suffix);
    } catch (error) {
      throw inPython(error);
    }
  }

  async #save(type: FolderType, prefix: string, files: readonly Uint8Array[], suffix: string): Promise<FileReference[]> {
    const path = normalize(prefix);
    const folder = this.#saveFolder(type, path);
    const filename = basename(path);
    const subfolder = dirname(path) === '.' ? '' : dirname(path);
    const saved: FileReference[] = [];
    for (const [index, content] of files.entries()) {
      // A name with the batch's number never looks like its own prefix: ComfyUI begins at 1 each time, and overwrites.
      const stem = filename.replaceAll('%batch_num%', String(index));
      const name = stem === filename ? await this.#next(folder, filename, suffix, content) : fileName(stem, index + 1, suffix);
      if (stem !== filename) await this.#put(join(folder, name), content, 'w');
      saved.push({ filename: name, subfolder, type });
    }
    return saved;
  }

  #saveFolder(type: FolderType, path: string): string {
    const base = this.folder(type);
    const folder = resolve(base, dirname(path));
    if (folder === base || folder.startsWith(base + sep)) return folder;
    const shared = folder.startsWith(this.root) ? this.root : sep;
    const message =
      '**** ERROR: Saving image outside the output folder is not allowed.' +
      `\n full_output_folder: ${folder}\n         output_dir: ${base}\n         commonpath: ${shared}`;
    throw new PythonError('Exception', message);
  }

  /** Writes under the next free number of the prefix and returns the name. */
  async #next(folder: string, prefix: string, suffix: string, content: Uint8Array): Promise<string> {
    for (;;) {
      const listing = await this.#listing(folder);
      const { last, names } = listing;
      const number = (last?.prefix === prefix ? last.number : highestNumber(names, prefix)) + 1;
      const name = fileName(prefix, number, suffix);
      if (await this.#put(join(folder, name), content, 'wx')) {
        names.push(name);
        Object.assign(listing, { modified: modifiedAt(folder), last: { prefix, number } });
        return name;
      }
      // Taken: somebody else has just written it.
      this.#listings.delete(folder);
    }
  }

  async #listing(folder: string): Promise<Listing> {
    const modified = modifiedAt(folder);
    const known = this.#listings.get(folder);
    if (known?.modified === modified) return known;
    const listing = { modified, names: modified === never ? [] : await readdir(folder), last: null };
    this.#listings.delete(folder);
    this.#listings.set(folder, listing);
    for (const oldest of this.#listings.keys()) {
      if (this.#listings.size <= rememberedFolders) break;
      this.#listings.delete(oldest);
    }
    return listing;
  }

  /** Writes a file, and its folder where that is missing. False: the name is taken (with `wx`). */
  async #put(path: string, content: Uint8Array, flag: 'w' | 'wx'): Promise<boolean> {
    try {
      if (content.length <= smallFile) writeFileSync(path, content, { flag });
      else await writeFile(path, content, { flag });
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      if (code !== 'ENOENT') throw error;
      mkdirSync(dirname(path), { recursive: true });
      return this.#put(path, content, flag);
    }
  }
}

function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** By Node's code: the class, the number and the words that Python has for it. */
const systemErrors: Readonly<Record<string, readonly [type: string, number: number, words: string]>> = {
  EACCES: ['PermissionError', 13, 'Permission denied'],
  ENOTDIR: ['NotADirectoryError', 20, 'Not a directory'],
  ENOSPC: ['OSError', 28, 'No space left on device'],
  ENAMETOOLONG: ['OSError', 36, 'File name too long'],
};

function inPython(error: unknown): unknown {
  const { code = '', path } = error as NodeJS.ErrnoException;
  if (code === 'ERR_INVALID_ARG_VALUE') return new PythonError('ValueError', 'embedded null byte');
  const known = systemErrors[code];
  if (!known) return error;
  const [type, number, words] = known;
  return new PythonError(type, `[Errno ${number}] ${words}${path === undefined ? '' : `: ${repr(path)}`}`);
}

const fileName = (stem: string, number: number, suffix: string): string => `${stem}_${String(number).padStart(5, '0')}_.${suffix}`;

/** The highest number of `<prefix>_<number>_...` among names; 0 when there is none. */
function highestNumber(names: readonly string[], prefix: string): number {
  let highest = 0;
  for (const name of names) {
    if (!name.startsWith(`${prefix}_`)) continue;
    const number = Number.parseInt(name.slice(prefix.length + 1), 10);
    if (number > highest) highest = number;
  }
  return highest;
}

const never = -1n;

/** When a folder's names changed last, ns; `never` when there is no such folder. */
const modifiedAt = (folder: string): bigint => statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? never;
