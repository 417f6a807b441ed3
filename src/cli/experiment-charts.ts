import { barChart } from '../charts/bar-chart.ts';
import { lineChart, type LineChart } from '../charts/line-chart.ts';
import { scatterChart } from '../charts/scatter-chart.ts';
import type { Point } from '../charts/svg.ts';
import { meanOver, type Answer, type ContainerSample } from '../planning/experiment-figures.ts';
import type { Experiment, ExperimentRun } from '../planning/experiments.ts';
import type { LiveRun } from './live-experiment.ts';
import { percentile } from '../planning/summary.ts';

/** What was run, simulated and, where it was asked for, live. */
export interface Pair {
  readonly simulated: ExperimentRun;
  readonly live: LiveRun | null;
}

/** Answers are taken together so long, milliseconds. */
const answersMs = 10_000;
/** Containers are averaged over so long, milliseconds. */
const containersMs = 5_000;

/** As wide as a section of the report. */
const width = 1054;
const narrow = { width: 515, height: 200 };

/** Latency, users and containers over time. Where there is a live run, it is what is drawn in full, with the simulated one dashed beside it. */
export function chartsOf({ simulated, live }: Pair): Readonly<Record<'latency' | 'users' | 'containers', string>> {
  const { experiment } = simulated;
  const shown = live ?? simulated;
  const common = { seconds: experiment.endMs / 1000, ...jumpOf(experiment) };
  const kind = live ? 'live' : 'simulated';
  const { median_s: median, p95_s: p95, peak_containers: peak, held_containers: held } = shown.figures;
  return {
    latency: lineChart({
      ...common,
      width,
      height: 230,
      title: `Latency, ${kind}, every ${answersMs / 1000} s of answers`,
      description: `${experiment.name}: median ${median} s, 95th percentile ${p95} s once users have settled.`,
      unit: 's',
      series: [
        { name: 'p95', colour: 'accent', points: latencyPoints(shown.observation.answers, 0.95) },
        { name: 'median', colour: 'ink', points: latencyPoints(shown.observation.answers, 0.5) },
        ...(live
          ? [{ name: 'p95, simulated', colour: 'other' as const, dashed: true, points: latencyPoints(simulated.observation.answers, 0.95) }]
          : []),
      ],
      limit: { value: experiment.scaling.slo.latencyMs / 1000, label: `target: p95 ${experiment.scaling.slo.latencyMs / 1000} s` },
    }),
    users: lineChart({
      ...common,
      ...narrow,
      title: 'Users',
      description: `${experiment.levels.map(({ users }) => users).join(', then ')} users.`,
      unit: 'users',
      series: [{ name: 'users', colour: 'ink', filled: true, points: usersPoints(experiment) }],
    }),
    containers: lineChart({
      ...common,
      ...narrow,
      title: 'Containers',
      description: `At most ${peak} containers; on the mean ${held} busy once users have settled.`,
      unit: 'containers',
      series: [
        {
          name: 'all',
          colour: 'idle',
          filled: true,
          steps: true,
          points: containerPoints(shown, ({ starting, busy, idle }) => starting + busy + idle),
        },
        { name: 'busy', colour: 'busy', steps: true, points: containerPoints(shown, ({ busy }) => busy) },
        ...(live
          ? [
              {
                name: 'all, simulated',
                colour: 'other' as const,
                dashed: true,
                steps: true,
                points: containerPoints(simulated, ({ starting, busy, idle }) => starting + busy + idle),
              },
            ]
          : []),
      ],
    }),
  };
}

const jumpOf = ({ levels }: Experiment): Pick<LineChart, 'marks'> => ({
  marks: levels.slice(1).map(({ fromMs, users }) => ({ at: fromMs / 1000, label: `to ${users} users` })),
});

/** At the end of each part of time in which there were answers, seconds. */
function latencyPoints(answers: readonly Answer[], p: number): Point[] {
  const parts = new Map<number, number[]>();
  for (const { askedMs, ms } of answers) {
    const part = Math.floor((askedMs + ms) / answersMs);
    parts.set(part, [...(parts.get(part) ?? []), ms]);
  }
  return [...parts]
    .toSorted(([a], [b]) => a - b)
    .slice(0, -1)
    .map(([part, values]) => ({ x: ((part + 1) * answersMs) / 1000, y: percentile(Float64Array.from(values).sort(), p) }));
}

function usersPoints({ levels, endMs }: Experiment): Point[] {
  const corners = levels.flatMap(({ fromMs, users, overMs }, index) => [
    { x: fromMs / 1000, y: index === 0 ? users : (levels[index - 1]?.users ?? 0) },
    { x: (fromMs + overMs) / 1000, y: users },
  ]);
  return [...corners, { x: endMs / 1000, y: levels.at(-1)?.users ?? 0 }];
}

function containerPoints({ experiment, observation }: ExperimentRun, value: (sample: ContainerSample) => number): Point[] {
  const count = Math.floor(experiment.endMs / containersMs);
  return Array.from({ length: count }, (_, n) => ({
    x: (n * containersMs) / 1000,
    y: meanOver(observation.containers, n * containersMs, (n + 1) * containersMs, value),
  }));
}

/** What each choice costs, and how fast it is, for the same users. */
export function choicesChart(runs: readonly ExperimentRun[]): string {
  const points = runs.map(({ experiment: { name, scaling }, figures }) => ({
    x: figures.p95_s,
    y: figures.usd_per_min,
    label: `${name}: ${figures.p95_s.toFixed(1)} s, $${figures.usd_per_min.toFixed(3)}`,
    group: scaling.policy === 'slo' ? 'slo' : "the article's options",
    chosen: scaling.policy === 'slo',
  }));
  const best = points.filter((one) => !points.some((other) => other !== one && other.x <= one.x && other.y <= one.y));
  return scatterChart({
    title: 'What 10 users cost, and how long they wait',
    description: points.map(({ label }) => label).join('; '),
    unitX: 's p95',
    unitY: '$ per minute',
    groups: { slo: { colour: 'accent', sign: 'circle' }, "the article's options": { colour: 'other', sign: 'square' } },
    points,
    curves: [{ name: 'frontier', colour: 'accent', points: best.toSorted((a, b) => a.x - b.x) }],
    limit: { value: 6, label: 'target: p95 6 s' },
    width,
    height: 340,
  });
}

/** Containers of each experiment beside the article's. */
export function containersChart(runs: readonly ExperimentRun[]): string {
  return barChart({
    title: 'Containers',
    description: runs
      .map(({ experiment, figures }) => `${experiment.name}: ${figures.held_containers} busy, ${figures.peak_containers} at most`)
      .join('; '),
    unit: 'containers',
    groups: runs.map(({ experiment }) => experiment.name),
    series: [
      { name: 'busy, mean', colour: 'busy', values: runs.map(({ figures }) => Math.round(figures.held_containers * 10) / 10) },
      { name: 'at most', colour: 'idle', values: runs.map(({ figures }) => figures.peak_containers) },
      { name: 'the article', colour: 'other', values: runs.map(({ experiment }) => experiment.article?.containers ?? null) },
    ],
    width,
    height: 240,
  });
}
