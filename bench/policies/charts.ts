import { barChart } from '../../src/charts/bar-chart.ts';
import type { Colour } from '../../src/charts/frame.ts';
import { scatterChart, type ScatterPoint } from '../../src/charts/scatter-chart.ts';
import type { Point } from '../../src/charts/svg.ts';
import { keyOf } from '../../src/planning/plan/candidates.ts';
import type { Part } from '../../src/planning/workloads/workload.ts';
import { defaults, measured, titleOf, written } from './cases.ts';
import type { CaseFigures, Comparison } from './compare.ts';
import type { Sweep } from './frontier.ts';
import { countsFor, partNames } from './headline.ts';
import { runsOf } from './outcome.ts';
import type { Run } from './measure.ts';

/** As many cases as stand beside each other; then the figures above their bars do, too. */
const casesInChart = 5;

const bars: readonly { readonly name: string; readonly colour: Colour; readonly comparison: Comparison }[] = [
  { name: '/ per-input', colour: 'other', comparison: 'per-input' },
  { name: '/ Knative', colour: 'starting', comparison: 'knative' },
  { name: '/ best hand-tuned', colour: 'idle', comparison: 'tuned' },
  { name: '/ lower bound', colour: 'accent', comparison: 'bound' },
];

/** A chart, and the file in which it stands. */
export interface Chart {
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Cost ratios of all cases, some in each chart. */
export function ratioCharts(part: Part, figures: readonly CaseFigures[]): Chart[] {
  const count = Math.ceil(figures.length / casesInChart);
  return Array.from({ length: count }, (_, index): Chart => {
    const shown = figures.slice(Math.round((index * figures.length) / count), Math.round(((index + 1) * figures.length) / count));
    const title = `Cost of slo / cost of others, ${partNames[part]}, simulated`;
    return {
      name: `policies-${part}${count === 1 ? '' : `-${index + 1}`}`,
      title: `${title}: ${shown.map(({ outcome }) => titleOf(outcome.case)).join(', ')}`,
      svg: barChart({
        title,
        description:
          'Geometric means over the seeds; below 1 slo is the cheaper one. A dash: the other one misses the target, or there is no bound that is near.',
        unit: 'x',
        width: 1054,
        groups: shown.map(({ outcome }) => titleOf(outcome.case)),
        series: bars.map(({ name, colour, comparison }) => ({
          name,
          colour,
          values: shown.map((one) => (countsFor(comparison, one.outcome.case) ? barOf(one, comparison) : null)),
        })),
      }),
    };
  });
}

const barOf = ({ against }: CaseFigures, comparison: Comparison): number | null =>
  against[comparison]?.attains ? against[comparison].ratio.mean : null;

/** Slower than this many times the target nothing is drawn. */
const mostOverTarget = 4;

/** As near as this share in both figures, points are one to the eye, and share a label. */
const near = 0.04;

function joined(points: readonly ScatterPoint[]): ScatterPoint[] {
  const isNear = (a: ScatterPoint, b: ScatterPoint): boolean => Math.abs(a.x / b.x - 1) < near && Math.abs(a.y / b.y - 1) < near;
  return points.map((point, index) => {
    const first = points.findIndex((other) => isNear(other, point));
    if (first < index) return { ...point, label: '' };
    const names = points.filter((other, place) => points.findIndex((one) => isNear(one, other)) === index && place >= index);
    return { ...point, label: names.map(({ label }) => label).join(', ') };
  });
}

/** `slo` for one target after the other, among everything else that was run on the same draw. */
export function frontierChart({ outcome }: CaseFigures, { slo, bound, seed }: Sweep): Chart {
  const latency = outcome.slo.latencyMs / 1000;
  const place = ({ gpu_seconds, latency_s, spanSeconds }: Run): Point => ({ x: latency_s.p95, y: gpu_seconds.total / spanSeconds });
  const byDefault = new Set(Object.values(defaults).map(keyOf));
  const others = outcome.candidates
    .filter(({ policy }) => policy !== measured.policy)
    .map((candidate): ScatterPoint => {
      const isDefault = byDefault.has(keyOf(candidate));
      const group = isDefault ? 'defaults of others' : 'settings of others';
      return { ...place(runsOf(outcome, candidate)[seed - 1] as Run), label: isDefault ? written(candidate) : '', group };
    })
    .filter(({ x }) => x <= mostOverTarget * latency);
  const named = others.filter(({ label }) => label !== '');
  const dearest = Math.max(...named.map(({ y }) => y));
  // What has a name lies on top.
  const points = [...others.filter(({ label, y }) => label === '' && y <= dearest), ...joined(named)];
  const title = `Cost against latency on ${titleOf(outcome.case)}, simulated, seed ${seed}`;
  return {
    name: 'policies-frontier',
    title,
    svg: scatterChart({
      title,
      description:
        'slo with targets from one job and little more to many times that; the defaults of others, and their settings that cost no more than the dearest of these; the lower bound.',
      unitX: 's p95',
      unitY: 'GPUs on the mean',
      width: 1054,
      height: 460,
      groups: {
        'defaults of others': { colour: 'other', sign: 'circle' },
        'settings of others': { colour: 'idle', sign: 'square' },
        'slo, one target each': { colour: 'accent', sign: 'circle' },
      },
      points: [...points, ...slo.map((run): ScatterPoint => ({ ...place(run), label: '', group: 'slo, one target each' }))],
      curves: [
        { name: 'slo', colour: 'accent', points: slo.map(place) },
        { name: 'lower bound', colour: 'ink', dashed: true, points: [...bound] },
      ],
    }),
  };
}
