import type { DatabaseSync } from 'node:sqlite';
import { cut, maxNameBytes } from '../../comfyui/protocol.ts';
import { all, change, one } from '../../sqlite/connection.ts';
import type { NamedFileRow } from '../rows.ts';
import { touchAsset } from './assets.ts';

/** One folder of a caller; `caller` is empty for whoever needs no key. */
interface Folder {
  workspace: string;
  caller: string;
  type: string;
  subfolder: string;
}

interface Content {
  asset: string;
  mime: string;
  bytes: number;
}

export interface UnnamedOutputRow extends Content {
  type: string;
  subfolder: string;
  node: string;
  key: string;
  index: number;
  stem: string;
  extension: string;
}

/** What makes an upload's name different: a number of seven digits in parentheses, and a space before it. */
const numberBytes = 10;

const columns = 'type, subfolder, filename, asset, mime, bytes';

/** See `Store.nameOutputs`. */
export function nameOutputs(
  db: DatabaseSync,
  input: { workspace: string; caller: string; job: string; at: number; outputs: UnnamedOutputRow[] },
): NamedFileRow[] {
  const { workspace, caller, job, at } = input;
  return input.outputs.map((output) => {
    touchAsset(db, { id: output.asset, bytes: output.bytes, kind: 'output', at });
    const named = renewOutput(db, job, at, output);
    if (named) return named;
    const folder = { workspace, caller, type: output.type, subfolder: output.subfolder };
    // As in ComfyUI, pictures of a batch count on whatever place in it their names show.
    const shown = output.stem.replaceAll('%batch_num%', String(output.index));
    const nameAt = (number: number): string => `${shown}_${String(number).padStart(5, '0')}_${output.extension}`;
    return write(db, { ...folder, ...output, filename: freeName(db, folder, { stem: output.stem, at, nameAt }), at, job });
  });
}

/** The output under the name that it has from an earlier attempt, with its new bytes. */
function renewOutput(db: DatabaseSync, job: string, at: number, output: UnnamedOutputRow): NamedFileRow | undefined {
  return one(
    db,
    `UPDATE named_files SET asset = ?, mime = ?, bytes = ?, named_at = ?
     WHERE job = ? AND node = ? AND output_key = ? AND output_index = ? RETURNING ${columns}`,
    output.asset,
    output.mime,
    output.bytes,
    at,
    job,
    output.node,
    output.key,
    output.index,
  ) as NamedFileRow | undefined;
}

/** See `Store.nameUpload`. */
export function nameUpload(db: DatabaseSync, input: Folder & Content & { filename: string; overwrite: boolean; at: number }): NamedFileRow {
  const { filename, at } = input;
  touchAsset(db, { id: input.asset, bytes: input.bytes, kind: 'upload', at });
  if (input.overwrite || !isTaken(db, input, filename)) return write(db, input);
  const [stem, extension] = splitName(filename);
  const nameAt = (number: number): string => `${stem} (${number})${extension}`;
  return sameUpload(db, input, stem, extension) ?? write(db, { ...input, filename: freeName(db, input, { stem: filename, at, nameAt }) });
}

/**
 * Stem and extension, with room for a number between them. The stem is the same for all numbers, since by it files with equal bytes are
 * found; an extension that fills the name by itself is none.
 */
function splitName(filename: string): [stem: string, extension: string] {
  const dot = filename.lastIndexOf('.');
  const extension = dot > 0 ? filename.slice(dot) : '';
  const most = maxNameBytes - numberBytes;
  const room = most - Buffer.byteLength(extension);
  return room > 0 ? [cut(filename.slice(0, filename.length - extension.length), room), extension] : [cut(filename, most), ''];
}

/** The file with equal bytes under the name itself or one with a number behind. */
function sameUpload(
  db: DatabaseSync,
  input: Folder & { asset: string; filename: string },
  stem: string,
  extension: string,
): NamedFileRow | undefined {
  const rows = all<NamedFileRow>(
    db,
    `SELECT ${columns} FROM named_files WHERE asset = ? AND workspace = ? AND caller = ? AND type = ? AND subfolder = ?
       AND (filename = ? OR (filename > ? AND filename < ?)) ORDER BY filename`,
    input.asset,
    ...folderOf(input),
    input.filename,
    `${stem} (`,
    `${stem} )`,
  );
  const isNumbered = (filename: string): boolean =>
    filename.endsWith(`)${extension}`) && /^\d+$/.test(filename.slice(stem.length + 2, filename.length - extension.length - 1));
  return rows.find(({ filename }) => filename === input.filename) ?? rows.find(({ filename }) => isNumbered(filename));
}

/** See `Store.namedFile`. */
export function namedFile(
  db: DatabaseSync,
  input:
    | { workspace: string; caller: string; type: string; subfolder: string; filename: string }
    | { type: string; subfolder: string; filename: string },
): NamedFileRow | null {
  const row =
    'caller' in input
      ? one(db, `SELECT ${columns} FROM named_files WHERE ${inFolder} AND filename = ?`, ...folderOf(input), input.filename)
      : one(
          db,
          `SELECT ${columns} FROM named_files WHERE type = ? AND subfolder = ? AND filename = ? ORDER BY named_at DESC LIMIT 1`,
          input.type,
          input.subfolder,
          input.filename,
        );
  return (row as NamedFileRow | undefined) ?? null;
}

/** See `Store.fileNames`. */
export function fileNames(db: DatabaseSync, folder: Folder & { newestFirst: boolean }): string[] {
  const order = folder.newestFirst ? 'named_at DESC, filename' : 'filename';
  const rows = all<{ filename: string }>(db, `SELECT filename FROM named_files WHERE ${inFolder} ORDER BY ${order}`, ...folderOf(folder));
  return rows.map(({ filename }) => filename);
}

const inFolder = 'workspace = ? AND caller = ? AND type = ? AND subfolder = ?';

const folderOf = ({ workspace, caller, type, subfolder }: Folder): [string, string, string, string] => [workspace, caller, type, subfolder];

const isTaken = (db: DatabaseSync, folder: Folder, filename: string): boolean =>
  one(db, `SELECT 1 FROM named_files WHERE ${inFolder} AND filename = ?`, ...folderOf(folder), filename) !== undefined;

/** The first free name after the highest number that was given for `stem`; the numbers of files that are gone are not given again. */
function freeName(
  db: DatabaseSync,
  folder: Folder,
  { stem, at, nameAt }: { stem: string; at: number; nameAt: (number: number) => string },
): string {
  const counter = one(db, `SELECT number FROM file_counters WHERE ${inFolder} AND stem = ?`, ...folderOf(folder), stem);
  let number = Number(counter?.['number'] ?? 0) + 1;
  while (isTaken(db, folder, nameAt(number))) number++;
  change(
    db,
    `INSERT OR REPLACE INTO file_counters (workspace, caller, type, subfolder, stem, number, used_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ...folderOf(folder),
    stem,
    number,
    at,
  );
  return nameAt(number);
}

type NewFile = Folder & Content & { filename: string; at: number; job?: string; node?: string; key?: string; index?: number };

function write(db: DatabaseSync, file: NewFile): NamedFileRow {
  return one(
    db,
    `INSERT OR REPLACE INTO named_files (workspace, caller, type, subfolder, filename, asset, mime, bytes, named_at,
       job, node, output_key, output_index) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${columns}`,
    ...folderOf(file),
    file.filename,
    file.asset,
    file.mime,
    file.bytes,
    file.at,
    file.job ?? null,
    file.node ?? null,
    file.key ?? null,
    file.index ?? null,
  ) as unknown as NamedFileRow;
}
