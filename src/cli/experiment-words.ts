import { formatScaling, scalingRows } from '../config/scaling.ts';
import type { Profile } from '../emulator/profile.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import type { Figures } from '../planning/experiment-figures.ts';
import { pauseSeconds, slots, type Experiment, type ExperimentTiming } from '../planning/experiments.ts';

/** Experiments in words and cells, for terminal and report. */

export const columns: readonly (readonly [name: string, cell: (figures: Figures) => string])[] = [
  ['median', ({ median_s: value }) => `${value.toFixed(2)} s`],
  ['p95', ({ p95_s: value }) => `${value.toFixed(2)} s`],
  ['first answers', ({ first_answer_s: value }) => `${value.toFixed(1)} s`],
  ['busy', ({ held_containers: value }) => value.toFixed(1)],
  ['peak', ({ peak_containers: value }) => String(value)],
  ['$/min', ({ usd_per_min: value }) => value.toFixed(3)],
  ['recovery', ({ recovery_s: value }) => (value === null ? '' : `${value.toFixed(0)} s`)],
];

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
