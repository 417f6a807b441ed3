import { chartOf, type Colour, type Titled } from './frame.ts';
import { head, mark, type Entry, type Sign } from './legend.ts';
import { valueAxis } from './line-chart.ts';
import { labelPlaces, type Labelled, type LabelPlace } from './label-places.ts';
import { scatterScales } from './scatter-layout.ts';
import type { Scale } from './scale.ts';
import { element, label, pathThrough, places, widthOf, type Point } from './svg.ts';

export interface ScatterPoint extends Labelled {
  /** Of which of the groups it is. */
  readonly group: string;
}

export interface Curve {
  readonly name: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
  readonly dashed?: boolean;
}

/** Choices by two figures, the lower the better in both: latency (x, logarithmic) and cost (y). */
export interface ScatterChart extends Titled {
  readonly unitX: string;
  readonly unitY: string;
  readonly groups: Readonly<Record<string, { readonly colour: Colour; readonly sign: Sign }>>;
  readonly points: readonly ScatterPoint[];
  /** Frontier, bounds. */
  readonly curves?: readonly Curve[];
  /** What lies left of it keeps the promise. */
  readonly limit?: { readonly value: number; readonly label: string };
  readonly width?: number;
  readonly height?: number;
}

export function scatterChart(chart: ScatterChart): string {
  const { width = 720, height = 380, points, groups, curves = [], limit } = chart;
  const { height: top, drawing } = head(chart.title, entriesOf(groups, curves), width);
  const [left, right, bottom] = [38, width - 12, height - 22];
  const all = [...points, ...curves.flatMap((curve) => curve.points)];
  const { x, y } = scatterScales(all, limit?.value, { left, right, top, bottom });
  const onPlot = (point: Point): Point => ({ x: x.at(point.x), y: y.at(point.y) });
  const kept = limit
    ? element('rect', { class: 'kept', x: left, y: top + 14, width: x.at(limit.value) - left, height: bottom - top - 14 })
    : '';
  // The chosen one above what stands at the same place.
  const marks = points
    .toSorted((a, b) => Number(a.chosen ?? false) - Number(b.chosen ?? false))
    .map((point) => {
      const [{ colour, sign }, at] = [groups[point.group] as ScatterChart['groups'][string], onPlot(point)];
      const ring = point.chosen ? element('circle', { class: `ring s-${colour}`, cx: at.x, cy: at.y, r: 10 }) : '';
      return ring + mark(sign, colour, at.x, at.y);
    });
  const onDrawing = points.map((point) => ({ ...point, ...onPlot(point) }));
  const line = limit ? { x: x.at(limit.value), label: limit.label } : null;
  const put = labelPlaces(
    onDrawing,
    { left, right, top: top + 14, bottom },
    { limit: line, curves: curves.map((curve) => curve.points.map(onPlot)) },
  );
  return chartOf(chart, width, height, [
    drawing,
    kept,
    valueAxis({ y, left, right }, chart.unitY),
    ...ticksOf(x, bottom + 16, chart.unitX),
    ...curves.map((curve) => curveOf(curve, onPlot)),
    ...(line ? [element('line', { class: 'limit', x1: line.x, x2: line.x, y1: top + 14, y2: bottom })] : []),
    ...put.labels.map(leaderOf),
    ...marks,
    ...(line && put.limit ? [label(line.label, put.limit.x, put.limit.y, 'start')] : []),
    ...points.map((point, index) => labelAt(point, put.labels[index] ?? null)),
  ]);
}

/** The last one names the unit; what it would cover is left out. */
function ticksOf({ at, ticks }: Scale, y: number, unit: string): string[] {
  const last = ticks.at(-1);
  if (last === undefined) return [];
  const text = `${places(last)} ${unit}`;
  const start = at(last) - widthOf(text);
  return [
    ...ticks.filter((tick) => at(tick) + widthOf(places(tick)) < start).map((tick) => label(places(tick), at(tick), y, 'middle')),
    label(text, at(last), y, 'end'),
  ];
}

const entriesOf = (groups: ScatterChart['groups'], curves: readonly Curve[]): Entry[] => [
  ...curves.map(({ name, colour, dashed }) => ({ name, colour, sign: dashed ? 'dashed' : 'line' }) as const),
  ...Object.entries(groups).map(([name, { colour, sign }]) => ({ name, colour, sign })),
];

const curveOf = ({ points, colour, dashed }: Curve, onPlot: (point: Point) => Point): string =>
  element('path', { class: `line s-${colour}${dashed ? ' dashed' : ''}`, d: pathThrough(points.map(onPlot)) });

/** From a point to its label that stands apart. */
const leaderOf = (place: LabelPlace | null): string =>
  place?.leader ? element('path', { class: 'leader', d: pathThrough(place.leader) }) : '';

const labelAt = ({ label: text, chosen }: Labelled, place: LabelPlace | null): string =>
  place ? label(text, place.x, place.y, 'start', chosen ? 'strong' : 'soft') : '';
