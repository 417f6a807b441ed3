/**
 * Packs the package, installs it the way a user does, and uses it, on each Node that the command line names:
 * `node test/package/try.ts 24 22`. Needs a package registry, so it is part of `.ci/run` and not of `npm test`.
 * The last line is `N passed, N failed, N skipped`.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
const folder = mkdtempSync(path.join(tmpdir(), 'comfleet-package-'));
const total = { passed: 0, failed: 0 };

/** npm as the machine has it, not as an npm script around this one configures it. */
const environment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(?!config_registry$)/i.test(name)),
);

try {
  const tarball = await attempt('the package is built and packed, with what it needs and no more', pack);
  if (tarball !== undefined) for (const node of process.argv.slice(2)) await tryOn(node, tarball);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, 0 skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function tryOn(node: string, tarball: string): Promise<void> {
  const home = path.join(folder, `node-${node}`);
  mkdirSync(home);
  const env = { ...environment, PATH: `${path.join(home, 'node_modules/.bin')}${path.delimiter}${process.env['PATH'] ?? ''}` };
  const comfleet = async (...args: string[]) => (await run('comfleet', args, { cwd: home, env })).stdout;
  const on = (what: string) => `Node ${node}: ${what}`;

  const installed = await attempt(on('the tarball installs'), async () => {
    writeFileSync(path.join(home, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
    await run('npm', ['install', '--no-audit', '--no-fund', tarball, `node@${node}`], { cwd: home, env: environment });
    const found = (await run('node', ['--version'], { cwd: home, env })).stdout.trim();
    expectThat(found.startsWith(`v${node}.`), `the runtime is ${found}`);
    return true;
  });
  if (!installed) return;
  await attempt(on('comfleet --version'), async () => {
    const said = (await comfleet('--version')).trim();
    expectThat(said === version, `it says ${said}`);
  });
  await attempt(on('comfleet doctor'), async () => {
    const { findings } = JSON.parse(await comfleet('doctor', '--json', '--port', '0')) as {
      findings: { check: string; state: string; message: string }[];
    };
    const problems = findings.filter(({ state }) => state === 'problem');
    expectThat(findings.length > 3 && problems.length === 0, JSON.stringify(problems));
  });
  await attempt(on('comfleet up, a job, the page, a clean end'), () => serve(home, env));
}

/** Builds and packs; the tarball's path. */
async function pack(): Promise<string> {
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root, env: environment });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  const files = (await run('tar', ['-tzf', path.join(folder, tarball)])).stdout.trim().split('\n');
  const needed = [
    'bin/comfleet.js',
    'dist/src/cli/main.js',
    'dist/src/host/main.js',
    'dist/web/index.html',
    'comfleet.schema.json',
    'LICENSE',
    'README.md',
  ];
  const missing = needed.filter((name) => !files.includes(`package/${name}`));
  const unwanted = files.filter((name) => /\.tsx?$|\.test\.|node_modules|^package\/(src|test|web|bench)\//.test(name));
  expectThat(missing.length + unwanted.length === 0, `missing: ${missing.join(', ')}; too much: ${unwanted.join(', ')}`);
  return path.join(folder, tarball);
}

/** Starts the gateway, runs one job through it, looks at the page, and asks it to stop. */
async function serve(home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['up', '--json', '--port', '0', '--runtime', 'emulated', '--profile', 'instant', '--data-dir', path.join(home, 'data')];
  const gateway = spawn('comfleet', args, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  gateway.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const ended = new Promise<number | null>((resolve, reject) => gateway.once('error', reject).once('close', resolve));
  try {
    const { url } = await Promise.race([
      firstLine(gateway),
      ended.then((code) => {
        throw new Error(`comfleet up ended with ${code}: ${said.join('')}`);
      }),
    ]);
    const answer = await fetch(`${url}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a regal phoenix' }),
    });
    const image = Buffer.from(await answer.arrayBuffer());
    expectThat(
      answer.status === 200 && image.subarray(1, 4).toString() === 'PNG',
      `POST / answered ${answer.status}: ${image.toString('utf8', 0, 300)}`,
    );
    const page = await fetch(`${url}/dashboard/`);
    expectThat(page.status === 200 && (await page.text()).includes('<script'), `the page answered ${page.status}`);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expectThat(/^comfleet_jobs_finished_total\{.*outcome="succeeded".*\} 1$/m.test(metrics), 'the metrics do not know the job');
  } finally {
    gateway.kill('SIGINT');
  }
  const code = await ended;
  expectThat(code === 0, `after Ctrl-C it ended with ${code}: ${said.join('')}`);
}

async function firstLine(gateway: ChildProcess): Promise<{ url: string }> {
  if (gateway.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: gateway.stdout })) return JSON.parse(line) as { url: string };
  throw new Error('it said nothing');
}

async function attempt<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
  try {
    const result = await action();
    total.passed++;
    return result;
  } catch (error) {
    total.failed++;
    process.stdout.write(`FAILED ${what}\n${describe(error)}\n`);
    return undefined;
  }
}

/** A command that failed has said why on its own output. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return [stdout, stderr, error.stack ?? error.message].filter((part) => part !== '').join('\n');
}

function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
