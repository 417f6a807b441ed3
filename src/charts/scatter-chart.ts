import { chartOf, type Colour, type Titled } from './frame.ts';
import { head, mark, type Entry, type Sign } from './legend.ts';
import { valueAxis } from './line-chart.ts';
import { labelPlaces, scatterScales, type Edge, type Labelled } from './scatter-layout.ts';
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
  return chartOf(chart, width, height, [
    drawing,
    kept,
    valueAxis({ y, left, right }, chart.unitY),
    ...ticksOf(x, bottom + 16, chart.unitX),
    ...curves.map((curve) => curveOf(curve, onPlot)),
    ...(limit ? [limitAt(x.at(limit.value), top + 14, bottom, limit.label)] : []),
    ...marks,
    ...labelsOf(
      points.map((point) => ({ ...point, ...onPlot(point) })),
      { left, right, top, bottom },
    ),
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

const limitAt = (x: number, top: number, bottom: number, text: string): string =>
  element('line', { class: 'limit', x1: x, x2: x, y1: top, y2: bottom }) + label(text, x + 6, bottom - 8, 'start');

function labelsOf(points: readonly Labelled[], edge: Edge): string[] {
  const places = labelPlaces(points, edge);
  return points.map(({ label: text, chosen }, index) => {
    const place = places[index];
    return place ? label(text, place.x, place.y, 'start', chosen ? 'strong' : 'soft') : '';
  });
}
