import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
/** Beside the page's own files, what it takes from the server's source. */
const shared = [
  'telemetry/overview/document.ts',
  'shadow/document.ts',
  'charts/label-places.ts',
  'charts/scale.ts',
  'charts/scatter-layout.ts',
  'charts/svg.ts',
  'planning/plan/names.ts',
  'planning/plan/picture.ts',
].map((file) => path.join(here, '../src', file));
const stampFile = 'built-from.txt';

export interface BuildOptions {
  /** Folder that the page is put into, whole or not at all. */
  readonly outDir: string;
  /** Told in one line what happened. */
  readonly log: (line: string) => void;
}

/**
 * Builds the page into `outDir`, in a child process so that the caller's event loop goes on. Does nothing when `outDir` already holds
 * a build of the same sources. Rejects with what the build said when it fails; the former page then stays.
 */
export async function buildPage({ outDir, log }: BuildOptions): Promise<void> {
  const stamp = await stampOfSources();
  const built = await readFile(path.join(outDir, stampFile), 'utf8').catch(() => null);
  if (built === stamp) return log('the page is built already');
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), outDir, stamp], {
    // Whatever the caller runs as, the page is React's production build.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`the page could not be built: ${said.join('').trim()}`);
  log(`the page is built in ${outDir}`);
}

/** The hash of everything that the page is made from. */
async function stampOfSources(): Promise<string> {
  const entries = await readdir(here, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const file of [...files.sort(), ...shared]) hash.update(path.relative(here, file)).update(await readFile(file));
  return hash.digest('hex');
}

async function buildHere(outDir: string, stamp: string): Promise<void> {
  const [{ build }, { default: react }] = await Promise.all([import('vite'), import('@vitejs/plugin-react')]);
  const fresh = `${outDir}.${process.pid}`;
  await build({
    root: here,
    base: '/dashboard/',
    configFile: false,
    logLevel: 'warn',
    plugins: [react()],
    // assetsInlineLimit: the page's Content-Security-Policy allows no data: URLs.
    build: { outDir: fresh, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  });
  await writeFile(path.join(fresh, stampFile), stamp);
  await rm(outDir, { recursive: true, force: true });
  await rename(fresh, outDir);
}

const [program, outDir, stamp] = process.argv.slice(1);
if (program === fileURLToPath(import.meta.url) && outDir && stamp) await buildHere(outDir, stamp);
