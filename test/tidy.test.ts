import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { variables } from '../src/config/environment.ts';
import { jsonSchema } from '../src/config/json-schema.ts';
import { protocolPage } from './protocol/page.ts';
import { checks, circles, deadFiles, isTest, show } from './tidy/checks.ts';
import { configurationPage, errorPage, keysOf, workloadPage } from './tidy/pages.ts';
import { policiesPage } from './tidy/policies-page.ts';
import { lineAt, readSources } from './tidy/sources.ts';
import { adapters, edges, entries, ports, pure, rooms } from './tidy/tables.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = readSources(root);
const read = (path: string): string => (existsSync(root + path) ? readFileSync(root + path, 'utf8') : '');

describe('the house is tidy', () => {
  test.each(Object.entries(checks))('%s', (_name, check) => {
    expect(sources.flatMap(check).map(show)).toEqual([]);
  });

  test('no dead files', () => {
    const scripts = Object.values((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);
    const started = scripts.flatMap((script) => script.match(/[\w./-]+\.(?:ts|js)\b/g) ?? []);
    expect(deadFiles(sources, [...entries, ...started]).map(show)).toEqual([]);
  });

  test('no circles', () => {
    expect(circles(sources).map(show)).toEqual([]);
  });

  test('the tables name only what is there', () => {
    const there = (place: string) =>
      sources.some(({ path }) => path === place || path.startsWith(place.endsWith('/') ? place : `${place}/`));
    const named = [
      ...ports,
      ...adapters,
      ...pure,
      ...Object.keys(edges),
      ...Object.keys(rooms),
      ...Object.values(rooms).flat(),
      ...entries,
    ];
    expect([...new Set(named)].filter((place) => !there(place))).toEqual([]);
  });
});

describe('the reference is in step', () => {
  test.each([
    ['errors.md', errorPage()],
    ['configuration.md', configurationPage(jsonSchema())],
    ['protocol.md', protocolPage()],
    ['workloads.md', workloadPage()],
    ['policies.md', policiesPage(read)],
  ])('docs/reference/%s says what the program does (after a change: npm test -- tidy -u)', async (name, page) => {
    await expect(page).toMatchFileSnapshot(`${root}docs/reference/${name}`);
  });

  test('every key of the configuration says what it means', () => {
    const keys = keysOf(jsonSchema());
    expect(keys.length).toBeGreaterThan(40);
    expect(keys.filter(({ description }) => !description).map(({ path }) => path)).toEqual([]);
  });

  test('every COMFLEET_ variable that the code names is one of the documented ones', () => {
    const known = new Set(variables.map(({ name }) => name));
    const unknown = sources
      .filter(({ path }) => /^(src|bin)\//.test(path) && !isTest(path))
      .flatMap(({ path, code }) =>
        [...code.matchAll(/\bCOMFLEET_[A-Z_]*[A-Z]\b/g)]
          .filter(([name]) => !known.has(name))
          .map((match) =>
            show({
              file: path,
              line: lineAt(code, match.index),
              rule: 'variables are documented',
              why: `${match[0]} is not in src/config/environment.ts`,
            }),
          ),
      );
    expect(unknown).toEqual([]);
  });
});
