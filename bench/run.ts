/**
 * `npm run bench -- [NAMES] [--full] [--write]`: runs all or the named benches one after the other and prints their figures as a Markdown
 * table; progress goes to standard error. `--full` also runs what takes minutes. `--write` keeps the table in docs/reference/benchmarks.md,
 * where the rows of benches that were not named stay.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { articleBench } from './article.ts';
import { boundBench } from './bound.ts';
import { crowdBench } from './crowd.ts';
import { emulatorBench } from './emulator.ts';
import { jumpBench } from './jump.ts';
import { killBench } from './kill.ts';
import { root } from './lib/gateway.ts';
import { pageOf } from './lib/page.ts';
import { table, type Bench, type Row } from './lib/report.ts';
import { liveBench } from './live.ts';
import { modelsBench } from './models.ts';
import { nativeBench } from './native.ts';
import { overheadBench } from './overhead.ts';
import { policiesBench } from './policies.ts';
import { scalingBench } from './scaling.ts';
import { simulatorBench } from './simulator.ts';
import { socketsBench } from './sockets.ts';
import { startBench } from './start.ts';
import { storeBench } from './store.ts';
import { throughputBench } from './throughput.ts';

const benches: readonly Bench[] = [
  startBench,
  overheadBench,
  throughputBench,
  scalingBench,
  crowdBench,
  killBench,
  articleBench,
  jumpBench,
  nativeBench,
  socketsBench,
  storeBench,
  emulatorBench,
  simulatorBench,
  boundBench,
  modelsBench,
  policiesBench,
  liveBench,
];

// What a bench launched is killed at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function chosen(): readonly Bench[] {
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length === 0 && !values.help)
    return positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name));
  const lines = benches.map(({ name, what }) => `  ${name.padEnd(12)}${what}`);
  process.stderr.write(
    `${unknown.map((name) => `there is no bench ${name}\n`).join('')}npm run bench -- [NAMES] [--full] [--write]\n${lines.join('\n')}\n`,
  );
  process.exit(values.help ? 0 : 2);
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]?.toFixed(1);
  const date = new Date().toISOString().slice(0, 10);
  return `${availableParallelism()} x ${model}, ${memory} GiB; ${process.platform}; Node ${process.versions.node}; load average at the start ${load}; ${date}`;
}

const where = machine();
const rows: Row[] = [];
for (const bench of chosen()) {
  const say = (line: string): void => void process.stderr.write(`${bench.name}: ${line}\n`);
  say(bench.what);
  try {
    rows.push(...(await bench.run({ say, full: values.full, write: values.write })).map((figure) => ({ ...figure, bench: bench.name })));
  } catch (error) {
    // The others still say what they have to say.
    const reason = error instanceof Error ? error.message : String(error);
    say(`failed: ${error instanceof Error ? error.stack : reason}`);
    rows.push({ bench: bench.name, what: bench.what, value: `failed: ${reason.split('\n')[0]}`, reference: '', target: '', holds: false });
  }
}

process.stdout.write(`${where}\n\n${table(rows)}\n`);
if (values.write) {
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const [file, intro] = [join(root, 'docs/reference/benchmarks.md'), readFileSync(join(root, 'bench/lib/benchmarks.md'), 'utf8')];
  const [order, ran] = [benches, chosen()].map((some) => some.map(({ name }) => name)) as [string[], string[]];
  writeFileSync(file, pageOf({ intro, before: readFileSync(file, 'utf8'), order, ran, rows, command, where }));
}
process.exit(rows.some(({ holds }) => holds === false) ? 1 : 0);
