import { htmlReport, type Section, type Table } from '../charts/report.ts';
import type { Figures } from '../planning/experiment-figures.ts';
import type { ExperimentName } from '../planning/experiments.ts';
import { chartsOf, choicesChart, containersChart, type Pair } from './experiment-charts.ts';
import { columns, definitions, rowsOf, settingsOf, statedSettings, type Given } from './experiment-words.ts';

/** The report of `comfleet experiment options`: one HTML page. */
export function experimentReport(pairs: readonly Pair[], given: Given): string {
  const shown = pairs.map(({ simulated, live }) => live ?? simulated);
  const isLive = pairs.some(({ live }) => live !== null);
  const ten = shown.filter(({ experiment }) => experiment.levels.length === 1);
  return htmlReport({
    title: 'comfleet: the options of "Scaling ComfyUI"',
    verdict: verdict(new Map(shown.map(({ experiment, figures }) => [experiment.name, figures]))),
    evidence: `${isLive ? 'Measured on emulated containers in real time, beside the same experiments simulated' : "Simulated, by the fleet's own code on virtual time"}. Timing of the profile ${given.profile.name}, which is derived from the article's figures and says nothing about any GPU.`,
    sections: [
      {
        heading: 'Figures',
        text: ['Beside what the article measured on A10G GPUs in August 2024, in its own figures.'],
        table: figuresTable(pairs),
        charts: [...(ten.length > 1 ? [choicesChart(ten)] : []), containersChart(shown)],
      },
      ...pairs.map(sectionOf),
      { heading: 'Settings', table: settingsTable(pairs), text: statedSettings(experimentsOf(pairs), given) },
    ],
    foot: [...definitions, `Made by: comfleet experiment options${isLive ? ' --live' : ''} --seed ${given.seed} --html FILE`],
  });
}

const experimentsOf = (pairs: readonly Pair[]) => pairs.map(({ simulated }) => simulated.experiment);

function sectionOf(pair: Pair): Section {
  const { experiment } = pair.simulated;
  return { heading: experiment.name, text: [`${experiment.what}: ${settingsOf(experiment)}.`], charts: Object.values(chartsOf(pair)) };
}

/** What a target alone costs beside a container for each input, in a sentence. */
function verdict(figures: ReadonlyMap<ExperimentName, Figures>): string {
  const compared = (
    [
      ['slo-10', 'option-1', '10 users'],
      ['slo-100', 'scale-out', '100 users'],
    ] as const
  ).flatMap(([ours, theirs, users]) => {
    const [one, other] = [figures.get(ours), figures.get(theirs)];
    if (!one || !other) return [];
    const saved = Math.round((1 - one.usd_per_min / other.usd_per_min) * 100);
    return [`${users} at p95 ${one.p95_s.toFixed(1)} s for $${one.usd_per_min.toFixed(2)} a minute, ${saved} % less`];
  });
  if (compared.length > 0) return `With nothing set but a target of 6 s: ${compared.join('; ')} than a container for each input.`;
  return [...figures]
    .map(([name, { median_s: median, p95_s: p95 }]) => `${name}: median ${median.toFixed(1)} s, p95 ${p95.toFixed(1)} s.`)
    .join(' ');
}

function figuresTable(pairs: readonly Pair[]): Table {
  const rows = pairs.flatMap((pair) => rowsOf(pair, `${pair.simulated.experiment.name}: ${pair.simulated.experiment.what}`));
  return {
    head: ['experiment', ...columns.map(({ name }) => name), 'the article'],
    rows: rows.map((row) => row.map((cell) => cell || '–')),
    figures: columns.map((_, index) => index + 1),
    chosen: rows.flatMap(([name], index) => (name?.startsWith('slo-') ? [index] : [])),
  };
}

const settingsTable = (pairs: readonly Pair[]): Table => ({
  head: ['experiment', 'what differs from the defaults'],
  rows: experimentsOf(pairs).map((experiment) => [experiment.name, settingsOf(experiment)]),
  figures: [],
});
