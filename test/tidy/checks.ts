import { lineAt, type Source } from './sources.ts';
import { adapters, compositionRoots, edges, everywhere, packages, ports, pure, rooms } from './tables.ts';

export interface Violation {
  readonly file: string;
  readonly line: number;
  /** What must hold. */
  readonly rule: string;
  /** What was found, and what to do. */
  readonly why: string;
}

export const show = ({ file, line, rule, why }: Violation): string => `${file}:${line} ${rule}: ${why}`;

type Check = (source: Source) => Violation[];

const maxLines = 400;

/** `src/api` of `src/api/fleet.ts`, `web` of `web/src/main.tsx`. */
const roomOf = (path: string): string => (path.startsWith('src/') ? path.split('/').slice(0, 2).join('/') : (path.split('/')[0] ?? path));
const within = (path: string, places: readonly string[]): boolean =>
  places.some((place) => path === place || path.startsWith(place.endsWith('/') ? place : `${place}/`));
export const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path) || path.startsWith('test/');

export const importDirections: Check = ({ path, imports }) => {
  if (isTest(path) || within(path, everywhere)) return [];
  const room = roomOf(path);
  const rule = 'imports go one way';
  const allowed = rooms[room];
  if (!allowed) return [{ file: path, line: 1, rule, why: `${room} is not in the table of rooms; add it with what it may import` }];
  return imports.flatMap(({ line, target }) => {
    if (target === null || !/^(src|web)\//.test(target)) return [];
    if (roomOf(target) === room || ports.includes(target) || within(target, allowed)) return [];
    return [{ file: path, line, rule, why: `${room} may not import ${target}; only ports and ${allowed.join(', ') || 'nothing else'}` }];
  });
};

export const portsStandAlone: Check = ({ path, imports }) => {
  if (!ports.includes(path)) return [];
  return imports.flatMap(({ line, target, typeOnly }) =>
    target === null || typeOnly || ports.includes(target) || within(target, pure)
      ? []
      : [{ file: path, line, rule: 'ports import only ports', why: `${target} is behind a port, not before it` }],
  );
};

export const packagesAtHome: Check = ({ path, imports }) => {
  if (isTest(path) || within(path, everywhere)) return [];
  return imports.flatMap(({ line, specifier, target, typeOnly }) => {
    const home = target === null && !typeOnly ? Object.entries(packages).find(([name]) => within(specifier, [name])) : undefined;
    if (!home || home[1].includes(roomOf(path))) return [];
    return [{ file: path, line, rule: 'packages stay in their rooms', why: `${home[0]} is for ${home[1].join(', ')}` }];
  });
};

export const adaptersComposedOnce: Check = ({ path, imports }) => {
  if (isTest(path) || within(path, compositionRoots)) return [];
  return imports.flatMap(({ line, target, typeOnly }) => {
    if (target === null || typeOnly || !adapters.includes(target) || roomOf(target) === roomOf(path)) return [];
    return [
      { file: path, line, rule: 'only src/app.ts composes adapters', why: `take the port as an argument instead of importing ${target}` },
    ];
  });
};

const machine = /\bDate\.now\b|\bnew Date\(\)|\bsetTimeout\b|\bsetInterval\b|\bMath\.random\b|\brandomUUID\b|\bperformance\.now\b/g;

export const timeThroughPorts: Check = ({ path, code }) => {
  if (!path.startsWith('src/') || isTest(path) || within(path, Object.keys(edges))) return [];
  return [...code.matchAll(machine)].map((match) => ({
    file: path,
    line: lineAt(code, match.index),
    rule: 'time and randomness come through Clock and Random',
    why: `${match[0]} reads the machine; take a port, or add the file to \`edges\` with a reason`,
  }));
};

export const pureCode: Check = ({ path, code, imports }) => {
  if (isTest(path) || !within(path, pure)) return [];
  const rule = 'decisions are pure';
  const impure = imports.flatMap(({ line, specifier, target, typeOnly }) => {
    if (typeOnly || (target !== null && (within(target, pure) || ports.includes(target)))) return [];
    return [{ file: path, line, rule, why: `it may not import ${specifier}: only types, ports and other pure files` }];
  });
  const globals = [...code.matchAll(/\b(?:Date|performance|process|fetch|setTimeout|setInterval|Math\.random)\b(?!['":])/g)].map(
    (match) => ({
      file: path,
      line: lineAt(code, match.index),
      rule,
      why: `${match[0]} is not an argument`,
    }),
  );
  return [...impure, ...globals];
};

export const shortFiles: Check = ({ path, text }) => {
  const lines = text.trimEnd().split('\n').length;
  return lines <= maxLines
    ? []
    : [{ file: path, line: lines, rule: `at most ${maxLines} lines`, why: `it has ${lines}; a file is one idea, split it by ideas` }];
};

// The brackets keep this file from finding itself.
const unfinished = /\b(?:TO[D]O|FIX[M]E|XX[X])\b|@ts-(?:ignore|nocheck)/g;

export const finished: Check = ({ path, text }) =>
  [...text.matchAll(unfinished)].map((match) => ({
    file: path,
    line: lineAt(text, match.index),
    rule: 'nothing is left for later',
    why: `${match[0]}: finish it, or open an issue`,
  }));

export const noSkippedTests: Check = ({ path, code }) => {
  if (!isTest(path)) return [];
  const rule = 'every test runs';
  const skips = [...code.matchAll(/\b(?:test|it|describe)(?:\.\w+)*\.(?:skip|only|todo|fails)\b/g)].map((match) => ({
    file: path,
    line: lineAt(code, match.index),
    rule,
    why: `${match[0]} hides a test; where a machine lacks something, use skipIf with a condition that has a name`,
  }));
  const unnamed = [...code.matchAll(/\.(?:skipIf|runIf)\((?!!?[A-Za-z]\w*\))[^\n]*/g)].map((match) => ({
    file: path,
    line: lineAt(code, match.index),
    rule,
    why: 'the condition of a skipped test needs a name that says why: skipIf(noChromium)',
  }));
  return [...skips, ...unnamed];
};

/** A lint rule that is switched off says why, after `--`. */
export const reasonedDisables: Check = ({ path, text }) =>
  [...text.matchAll(/(?:oxlint|eslint)-disable[^\n]*/g)].flatMap((match) =>
    / -- \S/.test(match[0])
      ? []
      : [
          {
            file: path,
            line: lineAt(text, match.index),
            rule: 'lint rules are kept',
            why: 'say why it is switched off, after `--`, or mend the code',
          },
        ],
  );

export const checks: Readonly<Record<string, Check>> = {
  importDirections,
  portsStandAlone,
  packagesAtHome,
  adaptersComposedOnce,
  timeThroughPorts,
  pureCode,
  shortFiles,
  finished,
  noSkippedTests,
  reasonedDisables,
};

/** Files under `src` and `web` that no entry point reaches; `starts` are the entry points. */
export function deadFiles(sources: readonly Source[], starts: readonly string[]): Violation[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const source = byPath.get(path);
    if (!source || reached.has(path)) return;
    reached.add(path);
    for (const { target } of source.imports) if (target !== null) visit(target);
  };
  starts.forEach(visit);
  return sources
    .filter(({ path }) => /^(src|web)\//.test(path) && !isTest(path) && !reached.has(path))
    .map(({ path }) => ({
      file: path,
      line: 1,
      rule: 'no dead files',
      why: 'no entry point reaches it; remove it, or move it to test/ when only tests use it',
    }));
}

/** Files that import each other in a circle, also by types alone: neither can then be read without the other. */
export function circles(sources: readonly Source[]): Violation[] {
  const byPath = new Map(sources.filter(({ path }) => !isTest(path)).map((source) => [source.path, source]));
  const finished = new Set<string>();
  const found: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const source = byPath.get(path);
    if (!source || finished.has(path)) return;
    for (const { line, target, guessed } of source.imports) {
      // A thread that a file starts is none of its imports.
      if (target === null || guessed) continue;
      const start = [...trail, path].indexOf(target);
      if (start < 0) visit(target, [...trail, path]);
      else {
        const circle = [...trail, path].slice(start).join(' -> ');
        const why = `${circle} -> ${target}; move what both need to a file of its own`;
        found.push({ file: path, line, rule: 'imports make no circle', why });
      }
    }
    finished.add(path);
  };
  for (const path of byPath.keys()) visit(path, []);
  return found;
}
