import { formatScaling, scalingRows } from '../config/scaling.ts';
import type { Profile } from '../emulator/profile.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import type { Pair } from './experiment-charts.ts';
import type { LiveRun } from './live-experiment.ts';
import type { Figures } from '../planning/experiment-figures.ts';
import { pauseSeconds, slots, type Experiment, type ExperimentTiming } from '../planning/experiments.ts';

/** Experiments in words and cells, for terminal and report. */

export interface Column {
  readonly name: string;
  readonly figure: keyof Figures;
  readonly text: (value: number) => string;
}

const inSeconds =
  (places: number) =>
  (value: number): string =>
    `${value.toFixed(places)} s`;

export const columns: readonly Column[] = [
  { name: 'median', figure: 'median_s', text: inSeconds(2) },
  { name: 'p95', figure: 'p95_s', text: inSeconds(2) },
  { name: 'first answers', figure: 'first_answer_s', text: inSeconds(1) },
  { name: 'busy', figure: 'held_containers', text: (value) => value.toFixed(1) },
  { name: 'peak', figure: 'peak_containers', text: String },
  { name: '$/min', figure: 'usd_per_min', text: (value) => value.toFixed(3) },
  { name: 'recovery', figure: 'recovery_s', text: inSeconds(0) },
];

/** A cell for each column; empty where there is no such figure. */
export const cellsOf = (figures: Figures): string[] =>
  columns.map(({ figure, text }) => {
    const value = figures[figure];
    return value === null ? '' : text(value);
  });

/** By how much the live figures differ from the simulated ones. */
export const differencesOf = (simulated: Figures, live: Figures): string[] =>
  columns.map(({ figure }) => {
    const [before, after] = [simulated[figure], live[figure]];
    if (before === null || after === null || before === 0) return '';
    const percent = (after / before - 1) * 100;
    return `${percent < 0 ? '-' : '+'}${Math.abs(percent).toFixed(1)} %`;
  });

/** An experiment's rows: name, figures, the article. Where it was run live, too, both and the difference. */
export function rowsOf({ simulated, live }: Pair, name: string): string[][] {
  const article = articleWords(simulated.experiment);
  const one = cellsOf(simulated.figures);
  if (live === null) return [[name, ...one, article]];
  return [
    [`${name}, simulated`, ...one, article],
    [`${name}, live`, ...cellsOf(live.figures), failedWords(live.failures)],
    ['difference', ...differencesOf(simulated.figures, live.figures), ''],
  ];
}

const failedWords = (failures: LiveRun['failures']): string =>
  Object.entries(failures)
    .map(([reason, count]) => `failed: ${count} x ${reason}`)
    .join('; ');

/** What the article says of it. */
export function articleWords({ article }: Experiment): string {
  if (article === null) return '';
  const { median_s: median, containers, usd_per_min: usd, words } = article;
  const figures = `${median} s, ${containers} GPU${containers === 1 ? '' : 's'}${usd === null ? '' : `, $${usd}`}`;
  return words === '' ? figures : `${figures}; ${words}`;
}

/** Settings in which it differs from the defaults. */
export function settingsOf({ scaling }: Experiment): string {
  const usual = new Map(defaultRows());
  const changed = scalingRows(formatScaling(scaling)).filter(([key, value]) => usual.get(key) !== value);
  return changed.length === 0 ? 'the defaults' : changed.map((row) => row.join('=')).join(' ');
}

const defaultRows = (): [string, string][] => scalingRows(formatScaling(defaultScaling));

export interface Given {
  readonly profile: Profile;
  readonly timing: ExperimentTiming;
  readonly seed: number;
}

/** Everything that the figures depend on. */
export function statedSettings(experiments: readonly Experiment[], { profile, timing, seed }: Given): string[] {
  const { startMs, outsideMs, usdPerHour } = timing;
  const outside = (outsideMs.before + outsideMs.after) / 1000;
  const { least, most } = pauseSeconds;
  return [
    `Profile ${profile.name} (${profile.gpu.model}): ${profile.seconds.execute.join(', ')} s on the GPU, ${outside} s beside it (half before, half after), starts of ${startMs / 1000} s, $${usdPerHour.toFixed(2)} a GPU-hour; ${slots} GPUs.`,
    `Users ask, wait for the picture, pause for ${least} to ${most} s (uniform, seed ${seed}), and ask again; containers that are kept ready are there before the first user.`,
    ...courses(experiments),
    `Default settings: ${defaultRows()
      .map((row) => row.join('='))
      .join(' ')}.`,
  ];
}

/** Experiments of the same users on one line. */
function courses(experiments: readonly Experiment[]): string[] {
  const names = new Map<string, string[]>();
  for (const experiment of experiments) {
    const course = courseWords(experiment);
    names.set(course, [...(names.get(course) ?? []), experiment.name]);
  }
  return [...names].map(([course, list]) => `${list.join(', ')}: ${course}.`);
}

const span = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`);

function courseWords({ levels, endMs, settleMs }: Experiment): string {
  const words = levels.map(({ fromMs, users, overMs }, index) => {
    const spread = overMs === 0 ? '' : `, the new ones spread over ${span(overMs)}`;
    return `${users} users for ${span((levels[index + 1]?.fromMs ?? endMs) - fromMs)}${spread}`;
  });
  return `${words.join(', then ')}; a level counts after its first ${span(settleMs)}`;
}

/** How the figures are computed. */
export const definitions: readonly string[] = [
  'median, p95: of the answers to what was asked after the first two minutes of each level, nearest rank. First answers: until each of the first users had one.',
  'Busy: mean number of busy containers at the level with the most users after its first two minutes. $/min: mean number of all containers (starting, busy and idle) in that time x price per hour / 60.',
  'Recovery: from the jump until the p95 of the last 10 s of answers is back within 20 % of that after the first two minutes.',
];
