import { articleTiming } from '../src/cli/experiment.ts';
import { liveExperiment } from '../src/cli/live-experiment.ts';
import type { Figures } from '../src/planning/experiment-figures.ts';
import { experiments, simulateExperiment, type ExperimentName, type ExperimentRun } from '../src/planning/experiments.ts';
import type { Bench, Figure } from './lib/report.ts';

const seed = 1;
const experimentOf = (name: ExperimentName) => experiments.find((one) => one.name === name)!;
const simulated = (name: ExperimentName): ExperimentRun => simulateExperiment(experimentOf(name), articleTiming().timing, seed);

const words = ({ median_s, p95_s, held_containers, peak_containers, usd_per_min, recovery_s }: Figures): string =>
  `median ${median_s.toFixed(1)} s, p95 ${p95_s.toFixed(1)} s, ${held_containers.toFixed(1)} busy on the mean, ${peak_containers} at most, ` +
  `$${usd_per_min.toFixed(3)}/min${recovery_s === null ? '' : `, back to normal after ${recovery_s.toFixed(0)} s`}`;

function tenUsers(): Figure {
  const { figures } = simulated('slo-10');
  return {
    what: "the article's 10 users, nothing set but p95 within 6 s (simulated)",
    value: words(figures),
    reference: `one container per input: ${words(simulated('option-1').figures)}`,
    target: 'p95 <= 6 s on at most 6 busy, $0.110/min',
    holds: figures.p95_s <= 6 && figures.held_containers <= 6 && figures.usd_per_min <= 0.11,
  };
}

/** After the jump has settled, and how soon it has. */
function jumpFigure(what: string, { figures }: ExperimentRun, { reference, failed = 0 }: { reference: string; failed?: number }): Figure {
  const { p95_s, held_containers, recovery_s } = figures;
  return {
    what: `10 users become 100 within 18 s, nothing set but p95 within 6 s (${what})`,
    value: `${words(figures)}${failed > 0 ? `; ${failed} failed` : ''}`,
    reference,
    target: 'p95 <= 6 s on at most 48 busy, back within 50 s',
    holds: failed === 0 && p95_s <= 6 && held_containers <= 48 && recovery_s !== null && recovery_s <= 50,
  };
}

async function live(foretold: ExperimentRun): Promise<Figure> {
  const run = await liveExperiment({
    experiment: experimentOf('slo-100'),
    profile: 'a10g-collage',
    seed,
    signal: new AbortController().signal,
  });
  const failed = Object.values(run.failures).reduce((sum, count) => sum + count, 0);
  const what = `live on emulated containers, ${run.observation.answers.length} jobs over HTTP`;
  return jumpFigure(what, run, { reference: `simulated: ${words(foretold.figures)}`, failed });
}

export const jumpBench: Bench = {
  name: 'jump',
  what: "the article's 10 users, and 10 become 100, under `slo`: simulated, and in real time (with --full)",
  async run({ say, full }) {
    const hundred = simulated('slo-100');
    const figures = [
      tenUsers(),
      jumpFigure('simulated', hundred, { reference: `one container per input: ${words(simulated('scale-out').figures)}` }),
    ];
    if (!full) return figures;
    say('10 users become 100 in real time, 12 minutes');
    return [...figures, await live(hundred)];
  },
};
