import { defaultScaling, type ScalingSettings } from '../fleet/scaling/settings.ts';
import type { ClosedLoop, Level } from './closed-loop.ts';
import { figuresOf, samplesOf, type Course, type Figures, type Observation } from './experiment-figures.ts';
import type { Draw } from './random.ts';
import { simulate, type SimulationInput } from './simulator.ts';

/** The experiments of the article "Scaling ComfyUI" (see docs/background.md), and the same users under `slo`. */

export const experimentNames = ['option-1', 'option-2', 'option-3', 'scale-out', 'slo-10', 'slo-100'] as const;
export type ExperimentName = (typeof experimentNames)[number];

export interface Experiment extends Course {
  readonly name: ExperimentName;
  /** What is tried, in a few words. */
  readonly what: string;
  readonly scaling: ScalingSettings;
  /** What the article says of it, in its own figures; null: nothing. */
  readonly article: ArticleFigures | null;
}

export interface ArticleFigures {
  readonly median_s: number;
  readonly containers: number;
  readonly usd_per_min: number | null;
  readonly words: string;
}

/** Pauses of a user between an answer and the next prompt, seconds, uniform. */
export const pauseSeconds = { least: 1, most: 5 } as const;
/** GPUs that there are: more than these users can ever have busy. */
export const slots = 100;
/** How often a policy is asked at most, as live. */
const periodMs = 100;
/** Before the first user comes: containers that are kept ready are there when it comes. */
const leadMs = 60_000;
const minute = 60_000;

const tenUsers = { levels: [{ fromMs: 0, users: 10, overMs: 0 }], endMs: 12 * minute, settleMs: 2 * minute };
const jump = {
  levels: [
    { fromMs: 0, users: 10, overMs: 0 },
    { fromMs: 2 * minute, users: 100, overMs: 18_000 },
  ],
  endMs: 12 * minute,
  settleMs: 2 * minute,
};
const slo = { ...defaultScaling, policy: 'slo', slo: { p: 0.95, latencyMs: 6_000, windowMs: 300_000 } } as const;

export const experiments: readonly Experiment[] = [
  {
    name: 'option-1',
    what: 'a container for each input',
    ...tenUsers,
    scaling: defaultScaling,
    article: { median_s: 4.4, containers: 10, usd_per_min: 0.18, words: 'first answers up to about 20 s' },
  },
  {
    name: 'option-2',
    what: 'ten inputs at once on one container',
    ...tenUsers,
    scaling: { ...defaultScaling, maxInputs: 10, targetInputs: 10, maxContainers: 1 },
    article: { median_s: 32, containers: 1, usd_per_min: 0.02, words: '' },
  },
  {
    name: 'option-3',
    what: 'option 1 with five containers kept ready',
    ...tenUsers,
    scaling: { ...defaultScaling, minContainers: 5 },
    article: { median_s: 4.4, containers: 10, usd_per_min: 0.18, words: 'first answers about 10 s sooner; never below $0.09 per minute' },
  },
  {
    name: 'scale-out',
    what: 'option 1 while 10 users become 100',
    ...jump,
    scaling: defaultScaling,
    article: { median_s: 5, containers: 62, usd_per_min: null, words: 'the 62 at the peak; back to normal after about 1 min' },
  },
  { name: 'slo-10', what: 'nothing set but the target', ...tenUsers, scaling: slo, article: null },
  { name: 'slo-100', what: 'nothing set but the target, while 10 users become 100', ...jump, scaling: slo, article: null },
];

/** How long things take, and what they cost: of a timing profile. */
export interface ExperimentTiming {
  readonly startMs: number;
  readonly outsideMs: NonNullable<SimulationInput['outsideMs']>;
  readonly serviceMs: (draw: Draw) => number;
  readonly usdPerHour: number;
  /** What the fleet knows before its first job; left out: what starts take. */
  readonly prior?: SimulationInput['prior'];
}

/** The users of an experiment, the first of whom come at `fromMs`. The seed draws their pauses. */
export function usersOf({ name, levels, endMs }: Experiment, { fromMs, seed, serviceMs }: UsersInput): ClosedLoop {
  const nobody: Level[] = fromMs > 0 ? [{ fromMs: 0, users: 0, overMs: 0 }] : [];
  return {
    name,
    levels: [...nobody, ...levels.map((level) => ({ ...level, fromMs: level.fromMs + fromMs }))],
    endMs: endMs + fromMs,
    pauseMs: (draw) => Math.round(draw.between(pauseSeconds.least, pauseSeconds.most) * 1000),
    serviceMs,
    seed,
  };
}

export interface UsersInput extends Pick<ExperimentTiming, 'serviceMs'> {
  readonly fromMs: number;
  readonly seed: number;
}

export interface ExperimentRun {
  readonly experiment: Experiment;
  readonly observation: Observation;
  readonly figures: Figures;
}

/** An experiment on virtual time. The same seed gives the same run. */
export function simulateExperiment(experiment: Experiment, timing: ExperimentTiming, seed: number): ExperimentRun {
  const source = usersOf(experiment, { fromMs: leadMs, seed, serviceMs: timing.serviceMs });
  const { startMs, outsideMs, prior = {} } = timing;
  const { jobs, responsesMs, recording, peakContainers } = simulate({
    source,
    scaling: experiment.scaling,
    startMs,
    outsideMs,
    prior,
    // So many that each has the shortest length that there is.
    periods: 2 ** 14,
    seed,
    horizonMs: null,
    periodMs,
    slots,
  });
  const samples = samplesOf(recording as NonNullable<typeof recording>, -leadMs);
  const observation: Observation = {
    answers: jobs
      .map(({ user, arrivalMs }, n) => ({ user: user as string, askedMs: arrivalMs - leadMs, ms: responsesMs[n] as number }))
      .filter(({ ms }) => Number.isFinite(ms)),
    containers: samples.filter(({ atMs }) => atMs >= 0 && atMs < experiment.endMs),
    peakContainers,
  };
  return { experiment, observation, figures: figuresOf(observation, experiment, timing.usdPerHour) };
}
