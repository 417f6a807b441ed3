import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildPage } from '../../web/build.ts';

let folder: string;
let outDir: string;
const said: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'comfleet-build-'));
  outDir = path.join(folder, 'web');
  await buildPage({ outDir, log: (line) => said.push(line) });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('puts a page there that needs nothing from elsewhere and no inline script', async () => {
  const html = await readFile(path.join(outDir, 'index.html'), 'utf8');
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link);
  expect(links.length).toBeGreaterThan(2);
  for (const link of links) expect(link).toMatch(/^\/dashboard\//);
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style="/);
  expect(await readdir(folder)).toEqual(['web']);
});

it('is small: under 150 kB of compressed script', async () => {
  const assets = path.join(outDir, 'assets');
  const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'));
  const sizes = await Promise.all(scripts.map(async (name) => gzipSync(await readFile(path.join(assets, name))).length));
  const sum = sizes.reduce((total, size) => total + size, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(150_000);
});

it('is not built again from the same sources', async () => {
  const before = await stat(path.join(outDir, 'index.html'));
  await buildPage({ outDir, log: (line) => said.push(line) });
  expect(await stat(path.join(outDir, 'index.html'))).toEqual(before);
  expect(said).toEqual([`the page is built in ${outDir}`, 'the page is built already']);
});
