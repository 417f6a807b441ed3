// `npm test`: types, lint, format, then every test. Quiet while all is well; failures in full; the last line is
// `N passed, N failed, N skipped`. Plain JavaScript, so that any Node can run it far enough to say what is missing.
// `npm test -- PATTERN ...` runs only the test files whose path holds a pattern, without the other checks.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  stop(
    `comfleet needs Node 22.13 or later; this is ${process.versions.node}.\n` +
      'The clone brings its own: run `npm ci`, and then `npm test`, not `node test/run.js`.\n' +
      'If you did, npm was told to run no install scripts (ignore-scripts): `npm rebuild node` fetches it, or put a newer Node on the PATH.',
  );
}
if (!existsSync(join(root, 'node_modules/vitest'))) stop('The dependencies are not installed: run `npm ci`.');

const patterns = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'comfleet-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
try {
  if (patterns.length === 0) await runChecks();
  await runTests();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function runChecks() {
  const checks = [
    ['types', 'typescript/bin/tsc', ['-p', '.']],
    ['types of the web application', 'typescript/bin/tsc', ['-p', 'web'], 'web/tsconfig.json'],
    ['lint', 'oxlint/bin/oxlint', ['--type-aware', '--quiet']],
    ['format', 'oxfmt/bin/oxfmt', ['--check']],
  ];
  for (const [name, script, args, onlyWith] of checks) {
    if (onlyWith && !existsSync(join(root, onlyWith))) continue;
    const result = await run(script, args);
    report(name, result, result.code === 0);
    if (result.code === 0) total.passed++;
    else total.failed++;
  }
}

async function runTests() {
  const file = join(folder, 'summary.json');
  const args = ['run', '--no-color', '--reporter=dot', '--reporter=./test/reporter.ts', ...patterns];
  const result = await run('vitest/vitest.mjs', args, { TEST_SUMMARY_FILE: file });
  const summary = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: [] };
  // vitest that died, or that found nothing to run, has failed too.
  if (summary.failed === 0 && (result.code !== 0 || summary.passed === 0)) summary.failed = 1;
  report('tests', result, summary.failed === 0);
  for (const { name, reason } of summary.skipped) process.stdout.write(`skipped: ${name} (${reason})\n`);
  total.passed += summary.passed;
  total.failed += summary.failed;
  total.skipped += summary.skipped.length;
}

/** Runs a package's script with this Node; gives its exit code, everything it printed, and the seconds it took. */
function run(script, args, env = {}) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, output: Buffer.concat(chunks).toString(), seconds: (performance.now() - started) / 1000 });
    });
  });
}

function report(name, { output, seconds }, good) {
  if (!good) process.stdout.write(`${output.trimEnd()}\n`);
  process.stdout.write(`${good ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)\n`);
}

function stop(message) {
  process.stderr.write(`${message}\n`);
  process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exit(1);
}
