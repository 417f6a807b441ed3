import { describe, expect, test } from 'vitest';
import { checks, circles, deadFiles } from './checks.ts';
import { toSource } from './sources.ts';

/** Line and file of each violation that a check finds in an invented file. */
const found = (name: string, path: string, text: string): string[] =>
  (checks[name]?.(toSource(path, text)) ?? ['no such check']).map((violation) =>
    typeof violation === 'string' ? violation : `${violation.file}:${violation.line}`,
  );

// A letter of each forbidden word is written as an escape, so that this file does not hold the word.
describe('each check finds what it is for, and nothing else', () => {
  test.each([
    ['importDirections', 'src/fleet/x.ts', "import { a } from './y.ts';\nimport { b } from '../api/wire.ts';"],
    ['importDirections', 'src/cli/x.ts', "import { a } from '../config/load.ts';\nimport {\n  b,\n} from '../store/sqlite.ts';", 4],
    ['importDirections', 'src/nowhere/x.ts', 'export {};', 1],
    ['portsStandAlone', 'src/jobs/job.ts', "import type { A } from '../fleet/controller.ts';\nimport { b } from '../fleet/controller.ts';"],
    ['packagesAtHome', 'src/jobs/x.ts', "import type { FastifyInstance } from 'fastify';\nimport { fastify } from 'fastify';"],
    [
      'adaptersComposedOnce',
      'src/jobs/x.ts',
      "import type { A } from '../store/sqlite.ts';\nimport { openStore } from '../store/sqlite.ts';",
    ],
    ['timeThroughPorts', 'src/jobs/x.ts', '// Date.now() in words is no use of it\nconst now = Date.now();'],
    ['timeThroughPorts', 'src/jobs/x.ts', 'const at = new Date(7);\nsetTimeout(f, 5);'],
    ['pureCode', 'src/fleet/scaling/x.ts', "import type { Socket } from 'node:net';\nimport { hash } from 'node:crypto';"],
    ['pureCode', 'src/fleet/dispatch/x.ts', '/* new Date */\nconst day = new Date(at).getDay();'],
    ['shortFiles', 'src/jobs/x.ts', 'x;\n'.repeat(401), 401],
    ['finished', 'src/jobs/x.ts', 'const TODOS = 1;\n// TO\u0044O more'],
    ['noSkippedTests', 'src/jobs/x.test.ts', "test.skipIf(noChromium)('a', f);\ntest.\u0073kip('b', f);"],
    ['noSkippedTests', 'test/x.test.ts', "describe.each([1]);\ndescribe.\u006fnly('b', f);"],
    ['noSkippedTests', 'test/x.test.ts', "test.runIf(!chromium)('a', f);\ntest.skip\u0049f(process.platform === 'x')('a', f);"],
    ['reasonedDisables', 'src/jobs/x.ts', '// oxlint-\u0064isable-next-line no-x -- because\n// oxlint-\u0064isable-next-line no-x'],
  ])('%s in %s', (name, path, text, line = 2) => {
    expect(found(name, path, text)).toEqual([`${path}:${line}`]);
  });

  test('ports are for everyone, and tests may do what they need', () => {
    expect(found('importDirections', 'src/fleet/x.ts', "import type { Store } from '../store/store.ts';")).toEqual([]);
    expect(found('importDirections', 'src/fleet/x.test.ts', "import { openStore } from '../store/sqlite.ts';")).toEqual([]);
    expect(found('timeThroughPorts', 'src/fleet/x.test.ts', 'Date.now();')).toEqual([]);
  });
});

describe('dead files', () => {
  const sources = [
    toSource(
      'src/cli/main.ts',
      "import './used.ts';\nnew Worker(new URL(`./thread${extension}`, import.meta.url));\nawait import('./late.ts');",
    ),
    toSource('src/cli/used.ts', "export * from './through.ts';"),
    toSource('src/cli/through.ts', ''),
    toSource('src/cli/thread.ts', ''),
    toSource('src/cli/late.ts', ''),
    toSource('src/cli/dead.ts', "import './main.ts';"),
    toSource('src/cli/dead.test.ts', "import './dead.ts';"),
  ];

  test('a file that only a test reaches is dead; imports, exports, threads and late imports keep files alive', () => {
    expect(deadFiles(sources, ['src/cli/main.ts']).map(({ file }) => file)).toEqual(['src/cli/dead.ts']);
  });
});

describe('circles', () => {
  test('of two and of three files, by types too; each once, and none where imports only meet', () => {
    const sources = [
      toSource('src/a/one.ts', "import type { Two } from './two.ts';\nimport './last.ts';"),
      toSource('src/a/two.ts', "import { one } from './one.ts';\nimport './last.ts';"),
      toSource('src/a/last.ts', ''),
      toSource('src/b/x.ts', "import './y.ts';"),
      toSource('src/b/y.ts', "import './z.ts';"),
      toSource('src/b/z.ts', "\nexport { x } from './x.ts';"),
      toSource('src/b/x.test.ts', "import './x.ts';"),
    ];
    expect(circles(sources).map(({ file, line }) => `${file}:${line}`)).toEqual(['src/a/two.ts:1', 'src/b/z.ts:2']);
  });
});
