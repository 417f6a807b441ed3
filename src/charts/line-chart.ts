import { chartOf, type Colour, type Titled } from './frame.ts';
import { head } from './legend.ts';
import { clockText, linear, multiples, timeStep, type Scale } from './scale.ts';
import { element, label, pathThrough, places, widthOf, type Point } from './svg.ts';

/** One quantity over time: `x` seconds, `y` in the chart's unit. */
export interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
  /** Each value holds until the next, instead of changing evenly. */
  readonly steps?: boolean;
  readonly filled?: boolean;
  readonly dashed?: boolean;
}

export interface LineChart extends Titled {
  /** Stands at the highest value of the axis. */
  readonly unit: string;
  /** End of the time axis, which begins at 0. */
  readonly seconds: number;
  readonly series: readonly Series[];
  /** A value that should not be exceeded. */
  readonly limit?: { readonly value: number; readonly label: string };
  /** Moments at which something happened, seconds. */
  readonly marks?: readonly { readonly at: number; readonly label: string }[];
  readonly width?: number;
  readonly height?: number;
}

interface Plot {
  readonly x: (seconds: number) => number;
  readonly y: Scale;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Lines, steps and areas over time, as an SVG document. */
export function lineChart(chart: LineChart): string {
  const { width = 720, height = 220, series, limit, seconds } = chart;
  const entries =
    series.length < 2 ? [] : series.map(({ name, colour, dashed }) => ({ name, colour, sign: dashed ? 'dashed' : 'line' }) as const);
  const { height: top, drawing } = head(chart.title, entries, width);
  const [left, right, bottom] = [38, width - 12, height - 22];
  const most = Math.max(limit?.value ?? 0, ...series.flatMap(({ points }) => points.map(({ y }) => y)));
  const y = linear(most, [bottom, top + 12], Math.max(2, Math.round((bottom - top) / 45)));
  const x = (at: number): number => left + (at / seconds) * (right - left);
  const plot: Plot = { x, y, left, right, top: top + 12, bottom };
  return chartOf(chart, width, height, [
    drawing,
    valueAxis(plot, chart.unit),
    timeAxis(plot, seconds),
    ...series.map((one) => drawn(one, plot)),
    ...(chart.marks ?? []).map(({ at, label: text }) => moment(plot, { at, text, unit: chart.unit })),
    ...(limit ? [limitLine(plot, limit)] : []),
  ]);
}

/** Lines across the plot, with their values at the left; the unit stands at the top one. */
export function valueAxis({ y, left, right }: Pick<Plot, 'y' | 'left' | 'right'>, unit: string): string {
  return y.ticks
    .map((tick, index) => {
      const [at, isTop] = [y.at(tick), index === y.ticks.length - 1];
      const line = element('line', { class: tick === 0 ? 'axis' : 'grid', x1: left, x2: right, y1: at, y2: at });
      const value = label(places(tick), left - 6, at + 4, 'end');
      return line + value + (isTop ? label(unit, left + 2, at - 5, 'start') : '');
    })
    .join('');
}

function timeAxis({ x, left, right, bottom }: Plot, seconds: number): string {
  const step = timeStep(seconds, Math.max(2, Math.floor((right - left) / 90)));
  return multiples(0, seconds, step)
    .map((tick) => label(clockText(tick), x(tick), bottom + 16, tick === 0 ? 'start' : x(tick) > right - 12 ? 'end' : 'middle'))
    .join('');
}

function drawn({ points, colour, steps, filled, dashed }: Series, { x, y, bottom }: Plot): string {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return '';
  const corners = steps
    ? points.flatMap((point, index) => [...(index > 0 ? [{ x: point.x, y: (points[index - 1] as Point).y }] : []), point])
    : points;
  const line = pathThrough(corners.map((point) => ({ x: x(point.x), y: y.at(point.y) })));
  const area = filled ? element('path', { class: `area f-${colour}`, d: `${line}V${places(bottom)}H${places(x(first.x))}Z` }) : '';
  return area + element('path', { class: `line s-${colour}${dashed ? ' dashed' : ''}`, d: line });
}

/** Its words stand above the plot, unless the unit stands there. */
function moment({ x, left, top, bottom }: Plot, { at, text, unit }: { at: number; text: string; unit: string }): string {
  const isFree = x(at) > left + widthOf(unit) + 8;
  return (
    element('line', { class: 'mark s-ink', x1: x(at), x2: x(at), y1: isFree ? top - 10 : top, y2: bottom }) +
    label(text, x(at) + 5, isFree ? top - 2 : top + 12, 'start')
  );
}

function limitLine({ y, left, right }: Plot, { value, label: text }: { value: number; label: string }): string {
  const at = y.at(value);
  return element('line', { class: 'limit', x1: left, x2: right, y1: at, y2: at }) + label(text, right, at - 5, 'end');
}
