import path from 'node:path';
import type { Command } from 'commander';
import { loadProfile, meansOf } from '../emulator/profile.ts';
import { experimentNames, experiments, simulateExperiment, type Experiment } from '../planning/experiments.ts';
import { chartsOf, type Pair } from './experiment-charts.ts';
import { experimentReport } from './experiment-report.ts';
import { columns, definitions, rowsOf, settingsOf, statedSettings, type Given } from './experiment-words.ts';
import { liveExperiment, type LiveRun } from './live-experiment.ts';
import type { Machine } from './machine.ts';
import { writeCharts, writeReport } from './report-files.ts';
import { drawn, givenOf, known, numberOf, timingOf } from './simulate-source.ts';
import { bar, seconds, StatusLine, table, type Palette } from './terminal.ts';
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
      .option('--live', 'also on emulated containers in real time: 12 minutes each, one after the other')
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

async function run(session: Session): Promise<void> {
  const { options, terminal, print, paint } = session;
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const only = text('only');
  const chosen = experiments.filter(({ name }) => only === undefined || name === known('experiment', only, experimentNames));
  const given: Given = { ...articleTiming(), seed: numberOf('--seed', text('seed') ?? '', { whole: true }) };
  const simulated = chosen.map((experiment) => simulateExperiment(experiment, given.timing, given.seed));
  const live = options['live'] === true ? await runLive(chosen, given, session) : null;
  const pairs = simulated.map((run, index): Pair => ({ simulated: run, live: live?.[index] ?? null }));
  await writeFiles(pairs, given, { html: text('html'), charts: text('charts'), cwd: terminal.cwd });
  print(answerOf(pairs), () => describe(pairs, given, paint));
}

/** How long things take in the article, and what they cost. */
export function articleTiming(): Omit<Given, 'seed'> {
  const profile = loadProfile(profileName);
  const { startMs, outsideMs } = timingOf(givenOf({ profile: profileName }));
  const { execute } = profile.seconds;
  const timing = { startMs, outsideMs, serviceMs: drawn(execute), usdPerHour: profile.gpu.price_per_hour_usd, prior: meansOf(profile) };
  return { profile, timing };
}

/** Live figures where there are some, and then the simulated ones beside them. */
function answerOf(pairs: readonly Pair[]): object {
  const simulated = pairs.map(({ simulated: { experiment, figures } }) => ({ name: experiment.name, ...figures }));
  const live = pairs.flatMap(({ live: run }) => {
    if (!run) return [];
    const { experiment, figures, failures } = run;
    return [{ name: experiment.name, ...figures, ...(Object.keys(failures).length > 0 && { failures }) }];
  });
  return live.length > 0 ? { experiments: live, simulated } : { experiments: simulated };
}

/** One after the other, with a bar that says how far it is. Ctrl-C ends it, and what it started. */
async function runLive(chosen: readonly Experiment[], { seed }: Given, { terminal, signals }: Session): Promise<LiveRun[]> {
  const interrupted = new AbortController();
  const end = signals(() => interrupted.abort());
  const status = new StatusLine(terminal.err, true);
  const runs: LiveRun[] = [];
  try {
    for (const experiment of chosen) {
      const head = `${experiment.name} (${runs.length + 1} of ${chosen.length})`;
      if (terminal.err.isTTY !== true) terminal.err.write(`${head}: ${seconds(experiment.endMs / 1000)}\n`);
      status.show(`${head}: starting a gateway`);
      const onProgress = (elapsedMs: number): void =>
        status.show(`${head} ${bar(elapsedMs / experiment.endMs, 24)} ${seconds(elapsedMs / 1000)} of ${seconds(experiment.endMs / 1000)}`);
      runs.push(await liveExperiment({ experiment, profile: profileName, seed, signal: interrupted.signal, onProgress }));
    }
    return runs;
  } finally {
    status.clear();
    end();
  }
}

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
  const rows = pairs.flatMap((pair) => {
    const { experiment } = pair.simulated;
    return rowsOf(pair, experiment.name).map((row, index) => [...row, index === 0 ? settingsOf(experiment) : '']);
  });
  const head = ['experiment', ...columns.map(({ name }) => name), 'the article', 'settings'];
  const how = pairs.some(({ live }) => live)
    ? 'Simulated, and live on emulated containers.'
    : "Simulated, by the fleet's own code on virtual time.";
  return `${table(head, rows, paint)}\n${[how, ...stated, ...definitions].map((line) => `${paint.dim(line)}\n`).join('')}`;
}
