import { flatScaling } from '../config/flat-scaling.ts';
import { defaultScaling, policyNames, type PolicyName, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { simulate } from '../planning/simulator.ts';
import type { Recording } from '../planning/recorder.ts';
import { summarize, timelineOf, type RunSummary, type Slo } from '../planning/summary.ts';
import { UsageError } from './failure.ts';
import { boundRow, solveBounds } from './lower-bound.ts';
import { chart } from './simulate-chart.ts';
import { sourceOptions, workloadHelp } from './simulate-options.ts';
import { givenOf, known, numberOf, sloOf, sourceOf, timingOf, worldOf } from './simulate-source.ts';
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
    sourceOptions(command)
      .option('--policy <name>', `one of ${policyNames.join(', ')}`, defaultScaling.policy)
      .option('--settings <k=v,...>', 'scaling settings, those of the policy among them')
      .option(
        '--faults <crash=p,failed-starts=p>',
        "shares of jobs that take their container down, and of starts that fail (else the workload's)",
      )
      .option('--price <usd>', 'of a GPU-hour (else no price)')
      .option('--timeline', 'with --json: counts of jobs and containers over time, in at most 1000 periods')
      .option('--bound', 'also how far it is from the lower bound, which is solved for the trace once and kept')
      .addHelpText('after', workloadHelp),
  run: (session) => run(session),
};

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
  const given = givenOf(options);
  const { profile, ...timing } = timingOf(given);
  if (options['bound'] === true && given.closedLoop !== undefined)
    throw new UsageError('--bound is about jobs that come at their times; those of --closed-loop depend on the answers');
  const source = sourceOf(given, { profile, seed, cwd: terminal.cwd });
  const world = worldOf({ workload: given.workload, faults: text('faults'), loadSeconds: text('loadSeconds') });
  const startedAt = performance.now();
  const recorded = options['timeline'] === true || !json ? { periods } : {};
  const outcome = simulate({ source, scaling, ...timing, ...world, seed, horizonMs, periodMs, slots, ...recorded });
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
  const given = pairs(settings === undefined ? [] : settings.split(','), example).map(([key, value]) => [key, jsonOrText(value)]);
  const name = known('policy', policy, policyNames) as PolicyName;
  return flatScaling(name, Object.fromEntries(given) as Record<string, unknown>, { ...defaultScaling, slo });
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
