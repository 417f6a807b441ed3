import path from 'node:path';
import type { Command } from 'commander';
import { loadProfile } from '../emulator/profile.ts';
import { experimentNames, experiments, simulateExperiment, type ExperimentRun } from '../planning/experiments.ts';
import { chartsOf, type Pair } from './experiment-charts.ts';
import { experimentReport } from './experiment-report.ts';
import { articleWords, columns, definitions, settingsOf, statedSettings, type Given } from './experiment-words.ts';
import type { Machine } from './machine.ts';
import { writeCharts, writeReport } from './report-files.ts';
import { drawn, known, numberOf, timingOf } from './simulate-source.ts';
import { table, type Palette } from './terminal.ts';
import { addVerb, type Session, type VerbSpec } from './verb.ts';

const profileName = 'a10g-collage';

const optionsVerb: VerbSpec = {
  name: 'options',
  summary: "the article's options 1 to 3 and its jump to 100 users, beside its figures and beside the policy slo",
  examples: ['experiment options', 'experiment options --html options.html --charts charts', 'experiment options --live --only slo-10'],
  remote: false,
  options: (command) =>
    command
      .option('--seed <n>', 'of the pauses of the users', '1')
      .option('--only <name>', `one of ${experimentNames.join(', ')}`)
      .option('--html <file>', 'write a report: one page, with charts')
      .option('--charts <folder>', 'write each chart as SVG and PNG')
      .addHelpText('after', `\n${definitions.join('\n')}`),
  run: (session) => run(session),
};

/** Adds `experiment` and what can be tried. */
export function addExperiment(program: Command, machine: Machine, done: Parameters<typeof addVerb>[3]): void {
  const experiment = program.command('experiment').description('experiments with scaling settings, simulated or on emulated containers');
  addVerb(experiment, optionsVerb, machine, done);
}

async function run({ options, terminal, print, paint }: Session): Promise<void> {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const only = text('only');
  const chosen = experiments.filter(({ name }) => only === undefined || name === known('experiment', only, experimentNames));
  const profile = loadProfile(profileName);
  const { startMs, outsideMs = { before: 0, after: 0 } } = timingOf({ profile: profileName, startSeconds: undefined, users: true });
  const timing = { startMs, outsideMs, serviceMs: drawn(profile.seconds.execute), usdPerHour: profile.gpu.price_per_hour_usd };
  const given: Given = { profile, timing, seed: numberOf('--seed', text('seed') ?? '', { whole: true }) };
  const pairs: Pair[] = chosen.map((experiment) => ({ simulated: simulateExperiment(experiment, timing, given.seed), live: null }));
  await writeFiles(pairs, given, { html: text('html'), charts: text('charts'), cwd: terminal.cwd });
  print({ experiments: pairs.map(({ simulated }) => wire(simulated)) }, () => describe(pairs, given, paint));
}

const wire = ({ experiment, figures }: ExperimentRun): object => ({ name: experiment.name, ...figures });

interface Files {
  readonly html: string | undefined;
  readonly charts: string | undefined;
  readonly cwd: string;
}

async function writeFiles(pairs: readonly Pair[], given: Given, { html, charts, cwd }: Files): Promise<void> {
  if (html !== undefined) writeReport(path.resolve(cwd, html), experimentReport(pairs, given));
  if (charts === undefined) return;
  const named = pairs.flatMap((pair) =>
    Object.entries(chartsOf(pair)).map(([chart, svg]) => [`${pair.simulated.experiment.name}-${chart}`, svg] as const),
  );
  await writeCharts(path.resolve(cwd, charts), Object.fromEntries(named));
}

/** What a person reads: the settings, the figures, and how they came about. */
function describe(pairs: readonly Pair[], given: Given, paint: Palette): string {
  const stated = statedSettings(
    pairs.map(({ simulated }) => simulated.experiment),
    given,
  );
  const rows = pairs.map(({ simulated: { experiment, figures } }) => [
    experiment.name,
    ...columns.map(([, cell]) => cell(figures)),
    articleWords(experiment),
    settingsOf(experiment),
  ]);
  const head = ['simulated', ...columns.map(([name]) => name), 'the article', 'settings'];
  return `${table(head, rows, paint)}\n${[...stated, ...definitions].map((line) => `${paint.dim(line)}\n`).join('')}`;
}
