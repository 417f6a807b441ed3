import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closest } from '../config/closest.ts';
import { parseDuration } from '../config/duration.ts';
import { parseScaling } from '../config/scaling.ts';
import { defaultScaling, policyNames, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { simulate } from '../planning/simulator.ts';
import { summarize, type RunSummary, type Slo } from '../planning/summary.ts';
import type { Trace } from '../planning/trace.ts';
import { parseTrace } from '../planning/trace-file.ts';
import { drawTrace, workloads, type WorkloadName } from '../planning/workloads.ts';
import { unreadable, UsageError } from './failure.ts';
import { money, seconds, table, type Palette } from './terminal.ts';
import { jsonOrText, pairs, type Session, type VerbSpec } from './verb.ts';

const example = '--settings min_containers=1,scaledown_window=30s';

/** `comfleet simulate`: what a policy would do with a workload, by the fleet's own code on virtual time. */
export const simulateVerb: VerbSpec = {
  name: 'simulate',
  summary: 'what a scaling policy would do with a workload or a trace, and what that would cost, in seconds',
  examples: [
    'simulate --workload bursty --policy per-input --slo p95=8s --start-seconds 20',
    'simulate --trace day.csv --policy concurrency --settings target_utilization=0.9 --price 1.10 --json',
  ],
  remote: false,
  options: (command) =>
    command
      .option('--workload <name>', `jobs that are drawn: ${Object.keys(workloads).join(', ')}`)
      .option('--trace <file>', 'jobs that were recorded: CSV with the header arrival_s,service_s and optional model,user,workflow')
      .option('--policy <name>', `one of ${policyNames.join(', ')}`, defaultScaling.policy)
      .option('--settings <k=v,...>', 'scaling settings, those of the policy among them')
      .option('--slo <target>', 'the latency target, e.g. p95=6s', 'p95=6s')
      .option('--start-seconds <n>', 'what a container takes from its start until it is ready', '20')
      .option('--horizon <seconds>', 'end of the accounts (else the last arrival)')
      .option('--price <usd>', 'of a GPU-hour (else no price)')
      .option('--seed <n>', 'of what is drawn', '1'),
  run: (session) => run(session),
};

/** How often the live controller asks a policy at most, milliseconds. */
const periodMs = 100;
/** As many GPUs as any policy may ask for. */
const slots = 10_000;

async function run({ options, print, paint, terminal }: Session): Promise<void> {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const seed = numberOf('--seed', text('seed') ?? '1', { whole: true });
  const slo = sloOf(text('slo') ?? '');
  const scaling = scalingOf(text('policy') ?? '', text('settings'), slo);
  const startMs = numberOf('--start-seconds', text('startSeconds') ?? '') * 1000;
  const horizon = text('horizon');
  const price = text('price');
  const usdPerHour = price === undefined ? null : numberOf('--price', price);
  const trace = traceOf({ workload: text('workload'), file: text('trace'), seed, cwd: terminal.cwd });
  const horizonMs = horizon === undefined ? null : numberOf('--horizon', horizon) * 1000;
  const startedAt = performance.now();
  const outcome = simulate({ trace, scaling, startMs, horizonMs, periodMs, slots });
  const summary = summarize(outcome, trace, { slo, usdPerHour });
  const head = { policy: scaling.policy, workload: trace.name, seed };
  const wall_s = Math.round(performance.now() - startedAt) / 1000;
  print({ ...head, ...summary, wall_s }, () => describe({ ...head, ...summary, wall_s }, slo, paint));
}

function traceOf({
  workload,
  file,
  seed,
  cwd,
}: {
  workload: string | undefined;
  file: string | undefined;
  seed: number;
  cwd: string;
}): Trace {
  if ((workload === undefined) === (file === undefined)) throw new UsageError('Give either --workload NAME or --trace FILE');
  if (file === undefined) return drawTrace(known('workload', workload as string, Object.keys(workloads)) as WorkloadName, seed);
  let text: string;
  try {
    text = readFileSync(path.resolve(cwd, file), 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseTrace(text, file);
}

function scalingOf(policy: string, settings: string | undefined, slo: Slo): ScalingSettings {
  const common: Record<string, unknown> = { policy: known('policy', policy, policyNames) };
  const own: Record<string, unknown> = {};
  for (const [key, value] of pairs(settings === undefined ? [] : settings.split(','), example)) {
    const target = isCommon(key) ? common : own;
    target[key] = jsonOrText(value);
  }
  return { ...defaultScaling, slo, ...parseScaling({ ...common, policy_settings: own }, defaultScaling) };
}

/** Settings that every policy has, as `comfleet scale` takes them. */
const isCommon = (key: string): boolean =>
  ['min_containers', 'max_containers', 'buffer_containers', 'scaledown_window', 'max_inputs', 'target_inputs'].includes(key);

/** `p95=6s`: the share, and the latency. */
function sloOf(text: string): Slo {
  const [, percent, latency] = /^p(\d{2}(?:\.\d+)?)=(.+)$/.exec(text.trim()) ?? [];
  const p = Number(percent) / 100;
  const latencyMs = latency === undefined ? null : parseDuration(latency);
  if (latencyMs !== null && latencyMs > 0 && p >= 0.5 && p <= 0.999) return { p, latencyMs, windowMs: defaultScaling.slo.windowMs };
  throw new UsageError(`--slo ${text} is no latency target; write e.g. --slo p95=6s (p50 to p99.9)`);
}

function numberOf(flag: string, text: string, { whole = false } = {}): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0 && (!whole || Number.isSafeInteger(value))) return value;
  throw new UsageError(`${flag} must be a ${whole ? 'whole ' : ''}number >= 0, got "${text}"`);
}

function known(what: string, given: string, names: readonly string[]): string {
  if (names.includes(given)) return given;
  const near = closest(given, names);
  throw new UsageError(`There is no ${what} ${given}${near === null ? `; there are ${names.join(', ')}` : `; did you mean ${near}?`}`);
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function describe(run: RunSummary & { policy: string; workload: string; seed: number; wall_s: number }, slo: Slo, paint: Palette): string {
  const { start, busy, idle, total } = run.gpu_seconds;
  const of = (part: number): string => `${part.toFixed(0)} (${percent(total === 0 ? 0 : part / total)})`;
  const rows: [string, string][] = [
    ['jobs', String(run.jobs)],
    ['latency', `p50 ${seconds(run.latency_s.p50)}, p95 ${seconds(run.latency_s.p95)}, p99 ${seconds(run.latency_s.p99)}`],
    [
      `within ${seconds(slo.latencyMs / 1000)}`,
      `${percent(run.attainment)} of the jobs; ${percent(run.windows_attained)} of the 5-minute windows at ${percent(slo.p)}`,
    ],
    ['GPU-seconds', `${total.toFixed(0)}: start ${of(start)}, busy ${of(busy)}, idle ${of(idle)}`],
    ['cost', `${money(run.usd)} (GPU-seconds x price per hour / 3600)`],
    ['containers', `${run.starts} started, ${run.peak_containers} at most at once`],
  ];
  const head = `${paint.bold(run.policy)} on ${run.workload}, seed ${run.seed}: simulated, ${run.events} events in ${run.wall_s.toFixed(2)} s\n`;
  return head + table(['what', 'value'], rows, paint);
}
