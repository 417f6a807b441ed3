import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Caller, type Json } from './caller.ts';
import { Program } from './program.ts';

/** The document that says how to call the gateway, beside what the gateway does. */

const api = fileURLToPath(new URL('../../src/api/', import.meta.url));

let program: Program;
let caller: Caller;
let document: Json;

beforeAll(async () => {
  program = await Program.up();
  caller = new Caller(program);
  document = await caller.get('/fleet/v1/openapi.json');
});
afterAll(() => program.remove());

test('it is OpenAPI 3.1, and every reference in it leads somewhere', () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '');
  expect(references.length).toBeGreaterThan(10);
  const lost = references.filter((path) => path.split('/').reduce((part: Json, key) => part?.[key], document) === undefined);
  expect([...new Set(lost)]).toEqual([]);
});

test('every path of the fleet API that the sources name is described', () => {
  const sources = readdirSync(join(api, 'fleet')).filter((name) => !name.endsWith('.test.ts'));
  const named = sources.flatMap((name) => [...readFileSync(join(api, 'fleet', name), 'utf8').matchAll(/'(\/fleet\/v1\/[^']*)'/g)]);
  const paths = [...new Set(named.map(([, path]) => path?.replace(/:(\w+)/g, '{$1}') ?? ''))];
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !(path in document.paths))).toEqual([]);
});

test('every operation says what it is for and what it answers', () => {
  const operations = Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path: `${method} ${path}`, operation })),
  );
  expect(operations.filter(({ operation }) => !operation.summary || Object.keys(operation.responses ?? {}).length === 0)).toEqual([]);
});

test('each deployment has its own operation with its inputs', () => {
  const { post } = document.paths['/d/draw/'];
  const { properties } = post.requestBody.content['application/json'].schema;
  expect(Object.keys(properties).sort()).toEqual(['prompt', 'seed', 'size', 'steps']);
  expect(properties.steps).toMatchObject({ type: 'integer', minimum: 1, maximum: 9000 });
});

test('every list answers {items, next}, and pages follow one another', async () => {
  const lists = Object.entries(document.paths as Record<string, Json>).filter(([path, { get }]) => {
    const schema = get?.responses?.['200']?.content?.['application/json']?.schema;
    return schema?.properties?.items !== undefined && !path.includes('{');
  });
  expect(lists.map(([path]) => path)).toEqual(
    expect.arrayContaining([
      '/fleet/v1/jobs',
      '/fleet/v1/containers',
      '/fleet/v1/deployments',
      '/fleet/v1/decisions',
      '/fleet/v1/keys',
      '/fleet/v1/usage',
    ]),
  );
  for (const [path] of lists) expect(await caller.get(path)).toMatchObject({ items: expect.any(Array) as Json[], next: null });

  const ids: string[] = [];
  for (let number = 0; number < 5; number++) ids.unshift(await caller.submit({}));
  const pages: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Json = await caller.get(`/fleet/v1/jobs?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    pages.push((page.items as Json[]).map(({ id }) => id as string));
    cursor = page.next as string | null;
  }
  expect(pages.flat()).toEqual(ids);
  expect(pages[0]).toHaveLength(2);
});

test('answers are as described', async () => {
  const answer = await caller.ask('POST', '/', { body: {}, headers: { accept: 'application/json' } });
  const [container] = await caller.containers();
  const deployment = await caller.get('/fleet/v1/deployments/draw');
  const known = (name: string): string[] => Object.keys(document.components.schemas[name].properties).sort();
  expect(Object.keys(answer.json).sort()).toEqual(known('Job'));
  expect(Object.keys(container).sort()).toEqual(known('Container'));
  expect(Object.keys(deployment).sort()).toEqual(known('Deployment'));
  const problem = await caller.ask('GET', '/fleet/v1/jobs/none');
  expect(Object.keys(problem.json).sort()).toEqual(known('Problem'));
});
