import { chartOf, type Colour, type Titled } from './frame.ts';
import { head, mark, type Entry, type Sign } from './legend.ts';
import { valueAxis } from './line-chart.ts';
import { linear, logarithmic } from './scale.ts';
import { element, label, pathThrough, places, widthOf, type Point } from './svg.ts';

export interface ScatterPoint extends Point {
  /** Empty: none. */
  readonly label: string;
  /** Of which of the groups it is. */
  readonly group: string;
  /** The one that is meant: ringed, and labelled in strong letters. */
  readonly chosen?: boolean;
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

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export function scatterChart(chart: ScatterChart): string {
  const { width = 720, height = 380, points, groups, curves = [], limit } = chart;
  const { height: top, drawing } = head(chart.title, entriesOf(groups, curves), width);
  const [left, right, bottom] = [38, width - 12, height - 22];
  const all = [...points, ...curves.flatMap((curve) => curve.points)];
  const xs = [...all.map(({ x }) => x), ...(limit ? [limit.value] : [])];
  const x = logarithmic(Math.min(...xs) * 0.9, Math.max(...xs) * 1.12, [left, right], 40);
  const y = linear(Math.max(...all.map((point) => point.y)) * 1.05, [bottom, top + 14], 6);
  const onPlot = (point: Point): Point => ({ x: x.at(point.x), y: y.at(point.y) });
  const kept = limit
    ? element('rect', { class: 'kept', x: left, y: top + 14, width: x.at(limit.value) - left, height: bottom - top - 14 })
    : '';
  const marks = points.map((point) => {
    const [{ colour, sign }, at] = [groups[point.group] as ScatterChart['groups'][string], onPlot(point)];
    const ring = point.chosen ? element('circle', { class: `ring s-${colour}`, cx: at.x, cy: at.y, r: 10 }) : '';
    return ring + mark(sign, colour, at.x, at.y);
  });
  return chartOf(chart, width, height, [
    drawing,
    kept,
    valueAxis({ y, left, right }, chart.unitY),
    ...x.ticks.map((tick, index) => {
      const isLast = index === x.ticks.length - 1;
      return label(isLast ? `${places(tick)} ${chart.unitX}` : places(tick), x.at(tick), bottom + 16, isLast ? 'end' : 'middle');
    }),
    ...curves.map((curve) => curveOf(curve, onPlot)),
    ...(limit ? [limitAt(x.at(limit.value), top + 14, bottom, limit.label)] : []),
    ...marks,
    ...labelsOf(points, onPlot, { left, right, top, bottom }),
  ]);
}

const entriesOf = (groups: ScatterChart['groups'], curves: readonly Curve[]): Entry[] => [
  ...curves.map(({ name, colour, dashed }) => ({ name, colour, sign: dashed ? 'dashed' : 'line' }) as const),
  ...Object.entries(groups).map(([name, { colour, sign }]) => ({ name, colour, sign })),
];

const curveOf = ({ points, colour, dashed }: Curve, onPlot: (point: Point) => Point): string =>
  element('path', { class: `line s-${colour}${dashed ? ' dashed' : ''}`, d: pathThrough(points.map(onPlot)) });

const limitAt = (x: number, top: number, bottom: number, text: string): string =>
  element('line', { class: 'limit', x1: x, x2: x, y1: top, y2: bottom }) + label(text, x + 6, bottom - 8, 'start');

const lineHeight = 14;

/** Each label where it covers neither a point nor another label: right of its point if possible, else left, above or below. */
function labelsOf(
  points: readonly ScatterPoint[],
  onPlot: (point: Point) => Point,
  edge: { left: number; right: number; top: number; bottom: number },
): string[] {
  const taken: Box[] = points.map(onPlot).map(({ x, y }) => ({ x: x - 7, y: y + 5, width: 14 }));
  return points
    .filter(({ label: text }) => text !== '')
    .map((point) => {
      const [{ x, y }, width] = [onPlot(point), widthOf(point.label) * (point.chosen ? 1.08 : 1)];
      const gap = point.chosen ? 15 : 10;
      const beside: Box = { x: x + gap, y: y + 4, width };
      const places: Box[] = [
        beside,
        { x: x - gap - width, y: y + 4, width },
        ...[-gap, gap + 10].flatMap((dy) => [
          { x: x - width / 2, y: y + dy, width },
          { x: x + 4, y: y + dy, width },
          { x: x - 4 - width, y: y + dy, width },
        ]),
        ...[2, 3, 4].flatMap((lines) => [
          { x: x + gap, y: y + 4 - lines * lineHeight, width },
          { x: x + gap, y: y + 4 + lines * lineHeight, width },
        ]),
      ];
      const inside = (box: Box): boolean =>
        box.x >= edge.left && box.x + box.width <= edge.right && box.y - lineHeight >= edge.top && box.y <= edge.bottom - 2;
      const box = places.find((place) => inside(place) && !taken.some((other) => overlap(place, other))) ?? beside;
      taken.push(box);
      return label(point.label, box.x, box.y, 'start', point.chosen ? 'strong' : 'soft');
    });
}

const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < lineHeight;
