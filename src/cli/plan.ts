import path from 'node:path';
import { Option } from 'commander';
import type { Plan } from '../planning/plan/planner.ts';
import { most } from '../planning/plan/limits.ts';
import type { PlanQuestion } from '../planning/plan/question.ts';
import { runPlan } from '../plans/run-plan.ts';
import { ComfleetError } from '../errors.ts';
import { loadProfile } from '../emulator/profile.ts';
import { UsageError } from './failure.ts';
import { applyPlan, targetOf } from './plan-apply.ts';
import { planChart, planReport } from './plan-report.ts';
import { describePlan } from './plan-text.ts';
import { writeCharts, writeReport } from './report-files.ts';
import { sourceOptions, workloadHelp } from './simulate-options.ts';
import { defaultProfile, givenOf, horizonOf, numberOf, planSourceOf, sloOf, timingOf } from './simulate-source.ts';
import { bar, StatusLine } from './terminal.ts';
import type { Session, VerbSpec } from './verb.ts';

const exitHelp =
  'Exit code 0 also where nothing meets the target: then the answer names the nearest setting, and --apply writes nothing (2).';

/** `comfleet plan`: the cheapest fleet that keeps a latency target, by simulation of every policy. */
export const planVerb: VerbSpec = {
  name: 'plan',
  summary: 'the cheapest scaling settings that keep a latency target for a trace or a workload, and what others cost',
  examples: [
    'plan --trace day.csv --slo p95=6s --price 1.10',
    'plan --closed-loop users=10,wait=1-5 --slo p95=6s',
    'plan --workload bursty --slo p95=8s --budget 5 --json',
    'plan --trace day.csv --slo p95=6s --html plan.html',
    'plan --trace day.csv --slo p95=6s --apply collage',
  ],
  options: (command) =>
    sourceOptions(command, { seconds: '3600' })
      .option('--outside-seconds <n>', "what a job takes outside the GPU (else the profile's, else 0: a recorded trace does not say it)")
      .option('--price <usd>', "of a GPU-hour (else the profile's)")
      .option('--budget <usd>', 'what the fleet may cost in an hour')
      .addOption(
        new Option(
          '--apply [deployment]',
          'write what is recommended to this deployment of the running gateway (with --trace else to the one that serves POST /)',
        ),
      )
      .option('--html <file>', 'write a report: one page, with the chart of cost against p95')
      .option('--charts <folder>', 'write the chart as SVG and PNG')
      .option('--threads <n>', 'how many simulate at once (else one for each core but one)')
      .addHelpText('after', `${workloadHelp}\n\n${exitHelp}`),
  run: plan,
};

async function plan(session: Session): Promise<void> {
  const { options, print, paint, terminal, json } = session;
  const target = await targetOf(session);
  const question = questionOf(session);
  const threads =
    options['threads'] === undefined
      ? {}
      : { threads: numberOf('--threads', options['threads'] as string, { whole: true, least: 1, most: 256 }) };
  const status = new StatusLine(terminal.err, !json);
  const result = await refused(() =>
    runPlan(question, { ...threads, onProgress: (share) => status.show(`simulating ${bar(share, 30)} ${Math.round(share * 100)} %`) }),
  ).finally(() => status.clear());
  await writeFiles(session, result);
  const applied = target === null ? null : await applyPlan(session, result, { deployment: target, slo: question.slo });
  print({ ...result, ...(applied && { applied }) }, () => describePlan(result, paint) + (applied?.text(paint) ?? ''));
}

async function writeFiles({ options, terminal: { cwd } }: Session, plan: Plan): Promise<void> {
  const [html, charts] = [options['html'], options['charts']] as (string | undefined)[];
  if (html !== undefined) writeReport(path.resolve(cwd, html), planReport(plan));
  if (charts !== undefined) await writeCharts(path.resolve(cwd, charts), { plan: planChart(plan) });
}

function questionOf({ options, terminal }: Session): PlanQuestion {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const number = (name: string, limits = {}): number | null =>
    text(name) === undefined ? null : numberOf(`--${name}`, text(name) as string, limits);
  const given = givenOf(options);
  const seed = numberOf('--seed', text('seed') ?? '', { whole: true });
  const { profile, ...timing } = timingOf(given);
  const source = planSourceOf(given, { profile, seed, cwd: terminal.cwd });
  const outside = text('outsideSeconds');
  const half = outside === undefined ? null : numberOf('--outside-seconds', outside) * 500;
  const question: PlanQuestion = {
    ...timing,
    ...(half !== null && { outsideMs: { before: Math.round(half), after: Math.round(half) } }),
    seed,
    loadMs: numberOf('--load-seconds', text('loadSeconds') ?? '0', { most: 3_600 }) * 1000,
    horizonMs: horizonOf(text('horizon'), source.type === 'trace' ? source.trace : source.users),
    slo: sloOf(text('slo') ?? ''),
    usdPerHour: number('price') ?? (profile ?? loadProfile(defaultProfile)).gpu.price_per_hour_usd,
    budgetUsdPerHour: number('budget', { least: 0.01 }),
    source,
  };
  checkLimits(question);
  return question;
}

/** What no plan can be made of in reasonable time, in the names of the flags. */
function checkLimits({ startMs, outsideMs, loadMs, horizonMs, usdPerHour, budgetUsdPerHour, source }: PlanQuestion): void {
  const users = source.type === 'users' ? source.users : null;
  const limits: readonly (readonly [string, number | null | undefined, number])[] = [
    ['--start-seconds', startMs / 1000, most.startSeconds],
    ['--outside-seconds', (outsideMs.before + outsideMs.after) / 1000, most.outsideSeconds],
    ['--load-seconds', loadMs / 1000, most.loadSeconds],
    ['--horizon', horizonMs === null ? null : horizonMs / 1000, most.horizonSeconds],
    ['--price', usdPerHour, most.usdPerHour],
    ['--budget', budgetUsdPerHour, most.budgetUsdPerHour],
    ['--closed-loop users', users?.users, most.users],
    ['--closed-loop wait', users && users.pauseMs[1] / 1000, most.pauseSeconds],
    ['--seconds', users && users.endMs / 1000, most.loopSeconds],
  ];
  for (const [name, value, limit] of limits) {
    if (value !== null && value !== undefined && value > limit) throw new UsageError(`${name} must be at most ${limit}, got ${value}`);
  }
}

/** What the command line asks for and nobody can answer is its mistake. */
async function refused<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof ComfleetError && error.code === 'impossible_target') throw new UsageError(`--slo ${error.message}`);
    throw error;
  }
}
