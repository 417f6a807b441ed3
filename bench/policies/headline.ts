import type { Part } from '../../src/planning/workloads/workload.ts';
import type { Figure } from '../lib/report.ts';
import { titleOf, type Case } from './cases.ts';
import { overall, type CaseFigures, type Comparison, type Overall } from './compare.ts';
import { ratioText } from './text.ts';

/** As people read it. */
export const partNames: Readonly<Record<Part, string>> = {
  'in-sample': 'the suite',
  seen: 'seen workloads',
  'held-out': 'held-out workloads',
};

/** Seconds of a start up to which a burst can be met by starting for it. */
const fastStart = 3;

/** Bursts that come sooner than containers start need some standing by: the bound, whose work can be divided, is far below what anybody could do. */
export const countsFor = (comparison: Comparison, { workload, startSeconds }: Case): boolean =>
  comparison !== 'bound' || startSeconds <= fastStart || !['bursty', 'sparse'].includes(workload);

/** One line of what everything comes down to. */
export interface Headline extends Omit<Figure, 'holds'> {
  readonly aim: string;
  readonly holds: boolean | null;
}

interface Goal {
  readonly what: string;
  readonly comparison: Comparison;
  readonly most: number;
  readonly aim: number | null;
}

const goals: readonly Goal[] = [
  { what: 'cost / per-input defaults (Modal-like)', comparison: 'per-input', most: 0.6, aim: 0.45 },
  { what: 'cost / Knative defaults (concurrency)', comparison: 'knative', most: 0.65, aim: 0.5 },
  { what: 'cost / lower bound', comparison: 'bound', most: 1.5, aim: 1.35 },
];

/** The targets and what came out. */
export function headlinesOf(figures: readonly CaseFigures[]): Headline[] {
  return [attainment(figures), ...goals.map((goal) => headlineOf(goal, figures)), tuned(figures)];
}

const casesText = (cases: readonly CaseFigures[]): string => cases.map(({ outcome }) => titleOf(outcome.case)).join(', ');

function attainment(figures: readonly CaseFigures[]): Headline {
  const missed = figures.filter(({ attains }) => !attains);
  return {
    what: 'share of the target met after the first fifth of the run',
    value: `in ${figures.length - missed.length} of ${figures.length} cases`,
    reference: missed.length === 0 ? '' : `not in ${casesText(missed)}`,
    target: 'in every case',
    aim: '',
    holds: missed.length === 0,
  };
}

function headlineOf({ what, comparison, most, aim }: Goal, figures: readonly CaseFigures[]): Headline {
  const counting = figures.filter(({ outcome }) => countsFor(comparison, outcome.case));
  const of = overall(counting, comparison);
  return {
    what,
    value: of.ratio ? ratioText(of.ratio) : 'no case counts',
    reference: counted(of) + missedToo(counting, comparison),
    target: `<= ${most.toFixed(2)}`,
    aim: aim === null ? '' : aim.toFixed(2),
    holds: of.ratio && of.ratio.mean <= most,
  };
}

const counted = ({ cases }: Overall): string => (cases.length === 0 ? '' : `geometric mean over ${casesText(cases)}`);

/** What is left out for the misses of `slo` shall not be hidden. */
function missedToo(figures: readonly CaseFigures[], comparison: Comparison): string {
  const missed = figures.filter(({ attains, against }) => !attains && against[comparison]?.attains);
  const { ratio } = overall(
    figures.map((one) => ({ ...one, attains: true })),
    comparison,
  );
  return missed.length === 0 || !ratio ? '' : `; ${ratioText(ratio)} with ${casesText(missed)}, missed by slo`;
}

function tuned(figures: readonly CaseFigures[]): Headline {
  const most = 1.05;
  const of = overall(figures, 'tuned');
  return {
    what: 'cost / best hand-tuned setting of any other policy, the worst case',
    value: of.worst ? `${ratioText(of.worst.ratio)} on ${of.worst.title}` : 'no case counts',
    reference: of.ratio ? `${counted(of)}: ${ratioText(of.ratio)}${missedToo(figures, 'tuned')}` : '',
    target: `<= ${most.toFixed(2)} in each`,
    aim: '1.00',
    holds: of.worst && of.worst.ratio.mean <= most,
  };
}

/** The same for the table of all benches. */
export const rowsOf = (part: Part, headlines: readonly Headline[]): Figure[] =>
  headlines.map(({ aim, ...headline }) => ({
    ...headline,
    what: `policy slo on ${partNames[part]} (simulated, 5 seeds): ${headline.what}`,
    target: aim === '' ? headline.target : `${headline.target}, aim ${aim}`,
  }));
