import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { errorCatalogue } from '../src/errors.ts';
import { variables } from '../src/config/environment.ts';
import { jsonSchema } from '../src/config/json-schema.ts';
import { checks, deadFiles, isTest, show } from './tidy/checks.ts';
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
  test('docs/reference/errors.md is what the catalogue says (after a change: npm test -- tidy -u)', async () => {
    await expect(errorPage()).toMatchFileSnapshot(`${root}docs/reference/errors.md`);
  });

  test('docs/reference/configuration.md names every key and every variable', () => {
    const page = read('docs/reference/configuration.md');
    const names = [...keysOf(jsonSchema()), ...variables.map(({ name }) => name)];
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
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

/** Names of all keys of a JSON Schema's objects, but for those that users choose. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  const { properties } = schema as { properties?: Record<string, unknown> };
  return [
    ...new Set([
      ...Object.keys(properties ?? {}),
      ...Object.values(schema).flatMap(keysOf),
      ...Object.values(properties ?? {}).flatMap(keysOf),
    ]),
  ];
}

function errorPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, fault, title, next }]) => `| \`${code}\` | ${status} | ${fault} | ${title}. ${next} |`,
  );
  return `# Errors

Every failure that a caller can see has a code. HTTP answers carry it in a problem document (RFC 9457): \`type\`, \`title\`, \`status\`,
\`detail\` (what happened to what), \`code\` and \`next\` (what to do). A job that did not succeed carries code and message in \`error\`.
The column \`mended by\` says who can do something: the caller, whoever made the workflow, or whoever runs the fleet.

| Code | Status | Mended by | What it means, what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
