import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** Path of the imported file from the root of the project; null for packages. */
  readonly target: string | null;
  /** Gone after compilation: it joins no modules at run time. */
  readonly typeOnly: boolean;
  /** Read from a quoted word, which may mean something else. */
  readonly guessed: boolean;
}

export interface Source {
  /** Path from the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Without comments, the lines kept, so that line numbers hold. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const roots = ['src', 'web', 'bin', 'bench', 'test'];
const skipped = new Set(['node_modules', 'dist']);

/** Every source file of the project under `root`. */
export function readSources(root: string): Source[] {
  const paths = roots.flatMap((folder) => walk(root, folder));
  const there = new Set(paths);
  return paths.map((path) => {
    const source = toSource(path, readFileSync(join(root, path), 'utf8'));
    // A quoted word is the name of a worker's file only where there is such a file.
    return { ...source, imports: source.imports.filter(({ guessed, target }) => !guessed || (target !== null && there.has(target))) };
  });
}

function walk(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).filter((entry) => !skipped.has(entry.name));
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return walk(root, path);
    return /\.(ts|tsx|js)$/.test(entry.name) ? [path] : [];
  });
}

export function toSource(path: string, text: string): Source {
  const code = withoutComments(text);
  return { path, text, code, imports: importsOf(path, code) };
}

export const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

const withoutComments = (text: string): string =>
  text
    .replaceAll(/(^|[\s(])\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|[^:'"`\\])\/\/.*$/gm, (comment, before: string) => before + ' '.repeat(comment.length - before.length));

const statements = [
  /^\s*(?:import|export)\s+(?<type>type\s)?[^;'"()]*?\bfrom\s+'(?<specifier>[^']+)'/gm,
  /^\s*import\s+'(?<specifier>[^']+)'/gm,
  /\bimport\(\s*'(?<specifier>[^']+)'\s*\)/g,
  /\bnew URL\(\s*'(?<specifier>\.{1,2}\/[^']+\.(?:ts|tsx|js))'\s*,\s*import\.meta\.url\)/g,
];

function importsOf(path: string, code: string): Import[] {
  const found = statements.flatMap((statement) => [...code.matchAll(statement)].map((match) => toImport(path, code, match)));
  return [...found, ...workersOf(path, code)];
}

function toImport(path: string, code: string, match: RegExpMatchArray): Import {
  const specifier = match.groups?.['specifier'] ?? '';
  const line = lineAt(code, (match.index ?? 0) + match[0].length);
  return {
    line,
    specifier,
    target: specifier.startsWith('.') ? resolve(path, specifier) : null,
    typeOnly: match.groups?.['type'] !== undefined,
    guessed: false,
  };
}

/** Files that a module starts as threads or processes, by name: any quoted word of it may be one, the reader of the list checks. */
function workersOf(path: string, code: string): Import[] {
  if (!/\bnew Worker\(|\bspawn\(|\bimport\.meta\.url\b/.test(code)) return [];
  return [...code.matchAll(/['`](?<name>(?:\.{1,2}\/)*[\w/-]+?)(?:\.ts|\$\{[^}]*\})?['`]/g)].map((match) => {
    const name = match.groups?.['name'] ?? '';
    const target = `${resolve(path, name.startsWith('.') ? name : `./${name}`)}.ts`;
    return { line: lineAt(code, match.index), specifier: name, target, typeOnly: false, guessed: true };
  });
}

const resolve = (path: string, specifier: string): string => normalize(join(dirname(path), specifier)).replaceAll('\\', '/');
