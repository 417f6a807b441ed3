import { parseDuration } from '../config/duration.ts';
import { parseScaling } from '../config/scaling.ts';
import { defaultScaling, policyNames, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { simulate } from '../planning/simulator.ts';
import type { Recording } from '../planning/recorder.ts';
import { summarize, timelineOf, type RunSummary, type Slo } from '../planning/summary.ts';
import { workloadGroups } from '../planning/workloads.ts';
import { UsageError } from './failure.ts';
import { boundRow, solveBounds } from './lower-bound.ts';
import { chart } from './simulate-chart.ts';
import { faultsOf, known, numberOf, sourceOf, timingOf } from './simulate-source.ts';
import { money, seconds, table, type Palette } from './terminal.ts';
import { jsonOrText, pairs, type Session, type VerbSpec } from './verb.ts';

const example = '--settings min_containers=1,scaledown_window=30s';

/** `comfleet simulate`: what a policy would do with a workload, by the fleet's own code on virtual time. */
export const simulateVerb: VerbSpec = {
  name: 'simulate',
  summary: 'what a scaling policy would do with a workload or a trace, and what that would cost, in seconds',
  examples: [
    'simulate --workload bursty --policy per-input --slo p95=8s --start-seconds 20',
    'simulate --closed-loop users=10,wait=1-5 --profile a10g-collage --policy fixed --settings min_containers=5',
    'simulate --workload bursty --slo p95=8s --bound',
    'simulate --trace day.csv --policy concurrency --settings target_utilization=0.9 --price 1.10 --json',
  ],
  remote: false,
  options: (command) =>
    command
      .option('--workload <name>', 'jobs that are drawn, one of those below')
      .option('--trace <file>', 'jobs that were recorded: CSV with the header arrival_s,service_s and optional model,user,workflow')
      .option('--closed-loop <users=n,wait=a-b>', 'users who each wait for their answer, pause a to b seconds, and ask again')
      .option('--seconds <n>', 'how long they do so', '600')
      .option('--profile <name>', 'a timing profile: start, time outside the GPU, and for --closed-loop the jobs (else a10g-collage)')
      .option('--policy <name>', `one of ${policyNames.join(', ')}`, defaultScaling.policy)
      .option('--settings <k=v,...>', 'scaling settings, those of the policy among them')
      .option('--slo <target>', 'the latency target, e.g. p95=6s', 'p95=6s')
      .option('--start-seconds <n>', "what a container takes from its start until it is ready (else the profile's, else 20)")
      .option('--load-seconds <n>', 'what a container takes to load a model that it does not hold', '0')
      .option('--faults <crash=p,failed-starts=p>', 'shares of jobs that take their container down, and of starts that fail')
      .option('--horizon <seconds>', 'end of the accounts (else the last arrival)')
      .option('--price <usd>', 'of a GPU-hour (else no price)')
      .option('--timeline', 'with --json: counts of jobs and containers over time, in at most 1000 periods')
      .option('--seed <n>', 'of what is drawn', '1')
      .option('--bound', 'also how far it is from the lower bound, which is solved for the trace once and kept')
      .addHelpText('after', `\nWorkloads (docs/reference/workloads.md):\n${workloadLines().join('\n')}`),
  run: (session) => run(session),
};

/** Their names, group by group, a few on a line. */
function workloadLines(): string[] {
  return Object.entries(workloadGroups).flatMap(([group, members]) => {
    const names = Object.keys(members);
    const lines = Array.from({ length: Math.ceil(names.length / 5) }, (_, row) => names.slice(row * 5, row * 5 + 5).join(', '));
    return lines.map((line, row) => `  ${(row === 0 ? group : '').padEnd(12)} ${line}${row < lines.length - 1 ? ',' : ''}`);
  });
}

/** How often the live controller asks a policy at most, milliseconds. */
const periodMs = 100;
/** Of the time line. */
const periods = 1_000;
/** As many GPUs as any policy may ask for. */
const slots = 10_000;

async function run({ options, print, paint, terminal, json }: Session): Promise<void> {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const seed = numberOf('--seed', text('seed') ?? '1', { whole: true });
  const slo = sloOf(text('slo') ?? '');
  const scaling = scalingOf(text('policy') ?? '', text('settings'), slo);
  const horizon = text('horizon');
  const price = text('price');
  const usdPerHour = price === undefined ? null : numberOf('--price', price);
  const horizonMs = horizon === undefined ? null : numberOf('--horizon', horizon) * 1000;
  const given = { workload: text('workload'), trace: text('trace'), closedLoop: text('closedLoop'), seconds: text('seconds') ?? '' };
  const { profile, ...timing } = timingOf({
    profile: text('profile'),
    startSeconds: text('startSeconds'),
    users: given.closedLoop !== undefined,
  });
  if (options['bound'] === true && given.closedLoop !== undefined)
    throw new UsageError('--bound is about jobs that come at their times; those of --closed-loop depend on the answers');
  const loadMs = numberOf('--load-seconds', text('loadSeconds') ?? '') * 1000;
  const faults = faultsOf(text('faults'));
  const source = sourceOf(given, { profile, seed, cwd: terminal.cwd });
  const startedAt = performance.now();
  const recorded = options['timeline'] === true || !json ? { periods } : {};
  const outcome = simulate({ source, scaling, ...timing, faults, seed, loadMs: () => loadMs, horizonMs, periodMs, slots, ...recorded });
  const summary = summarize(outcome, { slo, usdPerHour });
  const head = { policy: scaling.policy, workload: source.name, seed };
  const wall_s = Math.round(performance.now() - startedAt) / 1000;
  const bounds = options['bound'] === true ? await solveBounds({ jobs: outcome.jobs, startMs: timing.startMs, slo }, terminal) : null;
  const result = { ...head, ...summary, wall_s, ...(bounds && { lower_bound_gpu_seconds: bounds.lower }) };
  const timeline = outcome.recording ? { timeline: timelineOf(outcome.recording) } : {};
  const rows = bounds ? [boundRow(bounds, summary, slo)] : [];
  print({ ...result, ...timeline }, () => describe(result, { slo, rows, paint }) + chart(outcome.recording as Recording));
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

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

type Described = RunSummary & { policy: string; workload: string; seed: number; wall_s: number };

/** `rows`: what else there is to say. */
function describe(run: Described, { slo, rows: more, paint }: { slo: Slo; rows: readonly [string, string][]; paint: Palette }): string {
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
    ...(run.model_switches > 0
      ? [
          ['models', `${run.model_switches} loaded in place of others, ${percent(run.model_switches / run.jobs)} of the jobs`] as [
            string,
            string,
          ],
        ]
      : []),
    ...(run.retries === undefined ? [] : [['retries', `${run.retries} tries lost their container`] as [string, string]]),
    ['containers', `${run.starts} started, ${run.peak_containers} at most at once`],
    ...more,
  ];
  const head = `${paint.bold(run.policy)} on ${run.workload}, seed ${run.seed}: simulated, ${run.events} events in ${run.wall_s.toFixed(2)} s\n`;
  return head + table(['what', 'value'], rows, paint);
}
