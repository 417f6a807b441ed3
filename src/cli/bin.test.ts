import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** bin/comfleet.js as a program: in a clone, in a package, on a Node that is too old. */

const bin = fileURLToPath(new URL('../../bin/comfleet.js', import.meta.url));
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'comfleet-bin-'));
  mkdirSync(path.join(folder, 'bin'));
  copyFileSync(bin, path.join(folder, 'bin/comfleet.js'));
  writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
});

afterEach(() => rmSync(folder, { recursive: true }));

const node = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

/** A file that makes this Node say that it is another one. */
function pretend(version: string): string {
  const file = path.join(folder, 'pretend.cjs');
  writeFileSync(file, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`);
  return file;
}

test('runs the sources of a clone', async () => {
  const { code, out, err } = await node(bin, '--version');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('runs dist where there are no sources, and passes the exit code on', async () => {
  mkdirSync(path.join(folder, 'dist/src/cli'), { recursive: true });
  writeFileSync(
    path.join(folder, 'dist/src/cli/main.js'),
    "export async function run() { console.log('from dist'); process.exitCode = 1; }",
  );
  expect(await node('bin/comfleet.js')).toEqual({ code: 1, out: 'from dist\n', err: '' });
});

test.each(['20.20.2', '22.12.0', '18.0.0'])('Node %s is told what is needed and how to get it', async (version) => {
  const { code, err } = await node('-r', pretend(version), bin, 'up');
  expect(code).toBe(2);
  expect(err).toContain(`comfleet needs Node 22.13 or newer; this is Node ${version}.`);
  expect(err).toContain('--ignore-scripts');
});

test('a Node without type stripping is told so when there is no dist', async () => {
  mkdirSync(path.join(folder, 'src/cli'), { recursive: true });
  writeFileSync(path.join(folder, 'src/cli/main.ts'), 'export const run = (): void => undefined;');
  const { code, err } = await node('--no-experimental-strip-types', 'bin/comfleet.js', 'up');
  expect(code).toBe(2);
  expect(err).toContain('does not run TypeScript as it is, and there is no dist folder');
});

test('warnings about experiments are kept from people, others are not', async () => {
  mkdirSync(path.join(folder, 'dist/src/cli'), { recursive: true });
  writeFileSync(
    path.join(folder, 'dist/src/cli/main.js'),
    "export async function run() { process.emitWarning('a', 'ExperimentalWarning'); process.emitWarning('b', { type: 'ExperimentalWarning' }); process.emitWarning('real'); }",
  );
  const { err } = await node('bin/comfleet.js');
  expect(err).toContain('Warning: real');
  expect(err).not.toContain('Experimental');
});
