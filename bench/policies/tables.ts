import type { Bounds } from '../../src/planning/bound/bounds.ts';
import { defaults, titleOf, workloadOf, written } from './cases.ts';
import { against, attainmentOf, costOf, type CaseFigures, type Compared } from './compare.ts';
import type { Headline } from './headline.ts';
import { mean, runsOf } from './outcome.ts';
import type { Run } from './measure.ts';
import { percent, ratioText, table } from './text.ts';

export const headlineTable = (headlines: readonly Headline[]): string =>
  table(
    ['What', 'Measured', 'Over', 'Target', 'Aim', 'Holds'],
    headlines.map(({ what, value, reference, target, aim, holds }) => [
      what,
      value,
      reference,
      target,
      aim,
      holds === null ? '' : holds ? 'yes' : 'NO',
    ]),
  );

/** What `slo` does, means over the seeds. */
export const runTable = (figures: readonly CaseFigures[]): string =>
  table(
    [
      'Case',
      'Jobs',
      'Target',
      'GPU-seconds: start + busy + idle',
      'In time',
      'After the first fifth',
      '5-minute windows',
      'p50, p95, p99',
      'Starts',
      'Peak',
    ],
    figures.map(({ outcome, runs }) => {
      const { p, latencyMs } = outcome.slo;
      const of = (value: (run: Run) => number): number => mean(runs.map(value));
      const seconds = (value: (run: Run) => number): string => of(value).toFixed(0);
      const parts = [
        seconds((run) => run.gpu_seconds.start),
        seconds((run) => run.gpu_seconds.busy),
        seconds((run) => run.gpu_seconds.idle),
      ];
      return [
        titleOf(outcome.case),
        of(({ jobs }) => jobs).toFixed(0),
        `p${p * 100} <= ${latencyMs / 1000} s`,
        `${seconds(costOf)}: ${parts.join(' + ')}`,
        percent(of(({ attainment }) => attainment)),
        percent(of(({ attainmentLater }) => attainmentLater)),
        percent(of(({ windows_attained }) => windows_attained)),
        `${[of((run) => run.latency_s.p50), of((run) => run.latency_s.p95), of((run) => run.latency_s.p99)].map((s) => s.toFixed(1)).join(', ')} s`,
        of(({ starts }) => starts).toFixed(0),
        of(({ peak_containers }) => peak_containers).toFixed(0),
      ];
    }),
  );

const cell = (compared: Compared | null, none = ''): string =>
  compared === null ? none : compared.attains ? ratioText(compared.ratio) : `(${compared.ratio.mean.toFixed(2)})`;

/** Its cost over that of others. In brackets: those who miss the target. */
export const ratioTable = (figures: readonly CaseFigures[]): string =>
  table(
    ['Case', '/ per-input', '/ Knative', '/ best hand-tuned', 'which', '/ best of each draw', '/ lower bound', '/ feasible clairvoyant'],
    figures.map(({ outcome, against: of, tuned, oracle, attains }) => [
      `${titleOf(outcome.case)}${attains ? '' : ', missed by slo'}`,
      cell(of['per-input']),
      cell(of.knative),
      cell(of.tuned, 'none attains'),
      tuned ? `\`${written(tuned)}\` (${percent(attainmentOf(runsOf(outcome, tuned)))})` : '',
      cell(oracle, 'none'),
      cell(of.bound, typeof outcome.bounds === 'string' ? `none: ${outcome.bounds}` : 'none'),
      cell(of.feasible, 'none found'),
    ]),
  );

/** What everybody's defaults cost and attain, means over the seeds. */
export const peerTable = (figures: readonly CaseFigures[]): string =>
  table(
    ['Case', 'slo', ...Object.keys(defaults), 'lower bound'],
    figures.map(({ outcome, runs }) => [
      titleOf(outcome.case),
      costAndShare(runs),
      ...Object.values(defaults).map((candidate) => costAndShare(runsOf(outcome, candidate))),
      typeof outcome.bounds === 'string' ? '' : mean(outcome.bounds.map(({ lower }: Bounds) => lower)).toFixed(0),
    ]),
  );

/** 24084 (95.9 %; 72 %; 20 s). */
function costAndShare(runs: readonly Run[]): string {
  const windows = mean(runs.map((run) => run.windows_attained));
  const p99 = mean(runs.map(({ latency_s }) => latency_s.p99));
  return `${mean(runs.map(costOf)).toFixed(0)} (${percent(attainmentOf(runs))}; ${(windows * 100).toFixed(0)} %; ${p99.toFixed(0)} s)`;
}

/** `slo` over everybody's defaults. */
export const peerRatioTable = (figures: readonly CaseFigures[]): string =>
  table(
    ['Case', ...Object.keys(defaults)],
    figures.map(({ outcome }) => [titleOf(outcome.case), ...Object.values(defaults).map((one) => cell(against(outcome, one)))]),
  );

/** What arrives in the cases. */
export const caseTable = (figures: readonly CaseFigures[]): string =>
  table(
    ['Case', 'What arrives'],
    figures.map(({ outcome }) => [titleOf(outcome.case), workloadOf(outcome.case).what]),
  );
