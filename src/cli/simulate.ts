import { defaultScaling, policyNames } from '../fleet/scaling/settings.ts';
import { simulate } from '../planning/simulator.ts';
import type { Recording } from '../planning/recorder.ts';
import { summarize, timelineOf } from '../planning/summary.ts';
import { UsageError } from './failure.ts';
import { boundRow, impossibleTarget, refuseUnsolvable, solveBounds } from './lower-bound.ts';
import { chart } from './simulate-chart.ts';
import { sourceOptions, workloadHelp } from './simulate-options.ts';
import { simulatedScaling } from './simulate-settings.ts';
import { givenOf, horizonOf, numberOf, sloOf, sourceOf, timingOf, worldOf } from './simulate-source.ts';
import { describeRun } from './simulate-text.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet simulate`: what a policy would do with a workload, by the fleet's own code on virtual time. */
export const simulateVerb: VerbSpec = {
  name: 'simulate',
  summary: 'what a scaling policy would do with a workload or a trace, and what that would cost, in seconds',
  examples: [
    'simulate --workload bursty --policy per-input --slo p95=8s --start-seconds 20',
    'simulate --closed-loop users=10,wait=1-5 --profile a10g-collage --policy fixed --settings min_containers=5',
    'simulate --workload bursty --slo p95=8s --bound',
    'simulate --workload office --price 1.10 --settings budget.usd_per_hour=3,budget.hard=true',
    'simulate --trace day.csv --policy concurrency --settings target_utilization=0.9 --price 1.10 --json',
  ],
  remote: false,
  options: (command) =>
    sourceOptions(command)
      .option('--policy <name>', `one of ${policyNames.join(', ')}`, defaultScaling.policy)
      .option('--settings <k=v,...>', 'scaling settings: those of the policy, and budget.usd_per_hour and budget.hard (with --price), too')
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
/** Of a GPU-hour: far above any. */
const mostUsd = 100_000;
/** As many GPUs as any policy may ask for. */
const slots = 10_000;

async function run({ options, print, paint, terminal, json }: Session): Promise<void> {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const seed = numberOf('--seed', text('seed') ?? '1', { whole: true });
  const slo = sloOf(text('slo') ?? '');
  const price = text('price');
  const usdPerHour = price === undefined ? null : numberOf('--price', price, { most: mostUsd });
  const scaling = simulatedScaling({ policy: text('policy') ?? '', settings: text('settings'), slo, usdPerHour });
  const given = givenOf(options);
  const { profile, ...timing } = timingOf(given);
  const bounded = options['bound'] === true;
  if (bounded && given.closedLoop !== undefined)
    throw new UsageError('--bound is about jobs that come at their times; those of --closed-loop depend on the answers');
  const source = sourceOf(given, { profile, seed, cwd: terminal.cwd });
  if (bounded && 'jobs' in source) refuseUnsolvable({ jobs: source.jobs, slo });
  const horizonMs = horizonOf(text('horizon'), source);
  const world = worldOf({ workload: given.workload, faults: text('faults'), loadSeconds: text('loadSeconds') });
  const startedAt = performance.now();
  const recorded = options['timeline'] === true || !json ? { periods } : {};
  const outcome = simulate({ source, scaling, ...timing, ...world, seed, horizonMs, usdPerHour, periodMs, slots, ...recorded });
  const summary = summarize(outcome, { slo, usdPerHour });
  const head = { policy: scaling.policy, workload: source.name, seed };
  const wall_s = Math.round(performance.now() - startedAt) / 1000;
  const { before, after } = timing.outsideMs;
  const impossible = summary.attainment < slo.p ? impossibleTarget(outcome.jobs, slo, before + after) : null;
  if (impossible !== null) terminal.err.write(`note: ${impossible}\n`);
  const bounds = bounded ? await solveBounds({ jobs: outcome.jobs, startMs: timing.startMs, slo }, terminal) : null;
  const result = { ...head, ...summary, wall_s, ...(bounds && { lower_bound_gpu_seconds: bounds.lower }) };
  const timeline = outcome.recording ? { timeline: timelineOf(outcome.recording) } : {};
  const rows = bounds ? [boundRow(bounds, summary, slo)] : [];
  print({ ...result, ...timeline }, () => describeRun(result, { slo, rows, paint }) + chart(outcome.recording as Recording));
}
