import { liveExperiment, type LiveRun } from '../src/cli/live-experiment.ts';
import { experiments, type ExperimentName } from '../src/planning/experiments.ts';
import type { Bench, Figure } from './lib/report.ts';

/** The options of the article, in real time: 10 users, each with its next prompt 1 to 5 s after its last picture. */
const users = 10;
const seconds = 120;
/** After the last cold start of a container. */
const settleSeconds = 40;
/** Of profile a10g-collage: exclusively on the GPU, and beside it. */
const onGpu = 3.5;
const beside = 0.9;

function live(name: ExperimentName): Promise<LiveRun> {
  const experiment = experiments.find((one) => one.name === name)!;
  const short = { ...experiment, endMs: seconds * 1_000, settleMs: settleSeconds * 1_000 };
  return liveExperiment({ experiment: short, profile: 'a10g-collage', seed: 1, signal: new AbortController().signal });
}

const failed = ({ failures }: LiveRun): string =>
  Object.entries(failures)
    .map(([reason, count]) => `; failed: ${count} x ${reason}`)
    .join('');

const containersOf = ({ figures }: LiveRun): string => `${figures.peak_containers} container${figures.peak_containers === 1 ? '' : 's'}`;

function steadyFigure(
  what: string,
  run: LiveRun,
  expected: { latency: number; article: string; form: string; containers: number },
): Figure {
  const { median_s: latency, peak_containers: containers } = run.figures;
  return {
    what,
    value: `median ${latency.toFixed(1)} s, ${containersOf(run)}, ${run.observation.answers.length} jobs${failed(run)}`,
    reference: `the article: ${expected.article}; closed form ${expected.form}`,
    target: `${expected.latency} s within 10 %, ${expected.containers} container${expected.containers === 1 ? '' : 's'}`,
    holds: Math.abs(latency / expected.latency - 1) <= 0.1 && containers === expected.containers && failed(run) === '',
  };
}

async function run(say: (line: string) => void): Promise<Figure[]> {
  say(`options 1, 2 and 3 at the same time, ${seconds} s`);
  const [one, two, three] = await Promise.all([live('option-1'), live('option-2'), live('option-3')]);
  const [cold, warm] = [one.figures.first_answer_s, three.figures.first_answer_s];
  return [
    steadyFigure('option 1: one container per input, 10 users', one, {
      latency: 4.4,
      article: '4.4 s, 10 GPUs',
      form: `${onGpu} + ${beside} = ${(onGpu + beside).toFixed(1)} s`,
      containers: 10,
    }),
    steadyFigure('option 2: ten inputs in one container, 10 users', two, {
      latency: 32,
      article: '32 s, 1 GPU',
      form: `N x S - Z = ${users} x ${onGpu} - 3 = ${(users * onGpu - 3).toFixed(0)} s`,
      containers: 1,
    }),
    {
      what: 'option 3: five warm containers; first answers of all 10 users',
      value: `after ${warm.toFixed(1)} s; steady median ${three.figures.median_s.toFixed(1)} s, ${containersOf(three)}${failed(three)}`,
      reference: `${cold.toFixed(1)} s without warm ones: ${(cold - warm).toFixed(1)} s earlier; the article: about 10 s`,
      target: 'about 10 s earlier (8 to 14)',
      holds: cold - warm >= 8 && cold - warm <= 14 && failed(three) === '',
    },
  ];
}

export const articleBench: Bench = {
  name: 'article',
  what: "the article's options 1, 2 and 3 in real time (with --full)",
  run: ({ say, full }) => (full ? run(say) : Promise.resolve([])),
};
