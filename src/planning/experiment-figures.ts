import type { Level } from './closed-loop.ts';
import type { Recording } from './recorder.ts';
import { percentile } from './summary.ts';

/** What was seen of an experiment, simulated or live. Times are milliseconds since the first user came. */
export interface Observation {
  readonly answers: readonly Answer[];
  /** In order of time; each holds until the next. */
  readonly containers: readonly ContainerSample[];
  readonly peakContainers: number;
}

export interface Answer {
  readonly user: string;
  readonly askedMs: number;
  /** How long it took. */
  readonly ms: number;
}

/** Containers by what they do; means, where they are those of a period. */
export interface ContainerSample {
  readonly atMs: number;
  readonly starting: number;
  readonly busy: number;
  readonly idle: number;
}

/** The course of an experiment. */
export interface Course {
  readonly levels: readonly Level[];
  readonly endMs: number;
  /** A level counts from so long after its beginning on. */
  readonly settleMs: number;
}

/** An experiment in figures, with the names of its JSON. */
export interface Figures {
  /** Median of the answers to what was asked after the first two minutes of each level, seconds. */
  readonly median_s: number;
  /** Their 95th percentile by nearest rank, seconds. */
  readonly p95_s: number;
  /** Until each of the first level's users had an answer, seconds. */
  readonly first_answer_s: number;
  readonly peak_containers: number;
  /** Mean number of busy containers at the level with the most users, after its first two minutes. */
  readonly held_containers: number;
  /** Mean number of all containers in that time (starting, busy and idle) x price of a GPU-hour / 60. */
  readonly usd_per_min: number;
  /** From the jump until the p95 of the last 10 s of answers is back within 20 % of that after the first two minutes, seconds; null: no jump. */
  readonly recovery_s: number | null;
}

const recentMs = 10_000;
const tolerance = 1.2;

export function figuresOf({ answers, containers, peakContainers }: Observation, course: Course, usdPerHour: number): Figures {
  const spans = course.levels.map((_, index) => settledSpan(course, index));
  const top = course.levels.reduce((best, { users }, index) => (users > (course.levels[best] as Level).users ? index : best), 0);
  const settled = spans.flatMap((span) => askedWithin(answers, span));
  const [from, to] = spans[top] as Span;
  const held = meanOver(containers, from, to, ({ busy }) => busy);
  const all = meanOver(containers, from, to, ({ starting, busy, idle }) => starting + busy + idle);
  return {
    median_s: quantile(settled, 0.5),
    p95_s: quantile(settled, 0.95),
    first_answer_s: firstAnswerSeconds(answers, course),
    peak_containers: peakContainers,
    held_containers: rounded(held, 2),
    usd_per_min: rounded((all * usdPerHour) / 60, 4),
    recovery_s: top === 0 ? null : recoverySeconds(answers, (course.levels[top] as Level).fromMs, [from, to]),
  };
}

/** From one time up to another, milliseconds. */
type Span = readonly [number, number];

function settledSpan({ levels, endMs, settleMs }: Course, index: number): Span {
  return [(levels[index] as Level).fromMs + settleMs, levels[index + 1]?.fromMs ?? endMs];
}

const askedWithin = (answers: readonly Answer[], [from, to]: Span): Answer[] =>
  answers.filter(({ askedMs }) => askedMs >= from && askedMs < to);

const quantile = (answers: readonly Answer[], p: number): number =>
  rounded(percentile(Float64Array.from(answers, ({ ms }) => ms).sort(), p), 3);

const rounded = (value: number, places: number): number => Math.round(value * 10 ** places) / 10 ** places;

/** What a simulation recorded, as samples from `fromMs` on. */
export const samplesOf = ({ periodMs, periods }: Recording, fromMs = 0): ContainerSample[] =>
  periods.map(({ starting, busy, idle }, index) => ({
    atMs: fromMs + index * periodMs,
    starting: starting.mean,
    busy: busy.mean,
    idle: idle.mean,
  }));

/** Time-weighted. */
export function meanOver(
  samples: readonly ContainerSample[],
  from: number,
  to: number,
  value: (sample: ContainerSample) => number,
): number {
  const sum = samples.reduce((all, sample, index) => {
    const end = Math.min(to, samples[index + 1]?.atMs ?? to);
    return all + value(sample) * Math.max(0, end - Math.max(from, sample.atMs));
  }, 0);
  return to > from ? sum / (to - from) : 0;
}

function firstAnswerSeconds(answers: readonly Answer[], { levels }: Course): number {
  const jump = levels[1]?.fromMs ?? Infinity;
  const firsts = new Map<string, number>();
  for (const { user, askedMs, ms } of answers) {
    if (askedMs < jump) firsts.set(user, Math.min(firsts.get(user) ?? Infinity, askedMs + ms));
  }
  return rounded(Math.max(0, ...firsts.values()) / 1000, 3);
}

/** Counted after the worst moment: right after the jump the p95 is still what it was before. */
function recoverySeconds(answers: readonly Answer[], jumpMs: number, steady: Span): number {
  const ended = answers.map(({ askedMs, ms }) => ({ at: askedMs + ms, ms })).sort((a, b) => a.at - b.at);
  const limit = quantile(askedWithin(answers, steady), 0.95) * tolerance;
  const moments = ended.filter(({ at }) => at >= jumpMs && at < steady[1]).map(({ at }) => ({ at, p95: recentP95(ended, at) }));
  const worst = moments.reduce((most, moment) => (moment.at < steady[0] && moment.p95 > most.p95 ? moment : most), { at: jumpMs, p95: 0 });
  if (worst.p95 <= limit) return 0;
  const back = moments.find(({ at, p95 }) => at > worst.at && p95 <= limit);
  return rounded(((back?.at ?? steady[1]) - jumpMs) / 1000, 3);
}

/** Of the answers in the `recentMs` up to `at`, which are in order of time; seconds. */
const recentP95 = (ended: readonly { at: number; ms: number }[], at: number): number =>
  percentile(Float64Array.from(ended.filter((answer) => answer.at > at - recentMs && answer.at <= at).map(({ ms }) => ms)).sort(), 0.95);
