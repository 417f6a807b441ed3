import { chartOf, type Colour, type Titled } from './frame.ts';
import { head } from './legend.ts';
import { valueAxis } from './line-chart.ts';
import { linear } from './scale.ts';
import { element, label, places } from './svg.ts';

/** Values of the same things side by side. */
export interface BarChart extends Titled {
  readonly unit: string;
  readonly groups: readonly string[];
  readonly series: readonly {
    readonly name: string;
    readonly colour: Colour;
    /** One for each group; null: there is none, and that is said. */
    readonly values: readonly (number | null)[];
  }[];
  readonly width?: number;
  readonly height?: number;
}

export function barChart(chart: BarChart): string {
  const { width = 720, height = 240, groups, series } = chart;
  const { height: top, drawing } = head(
    chart.title,
    series.length < 2 ? [] : series.map(({ name, colour }) => ({ name, colour, sign: 'square' }) as const),
    width,
  );
  const [left, right, bottom] = [38, width - 12, height - 22];
  const most = Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const y = linear(most, [bottom, top + 18], Math.max(2, Math.round((bottom - top) / 45)));
  const groupWidth = (right - left) / groups.length;
  const barWidth = Math.min(44, (groupWidth * 0.72) / series.length);
  const bars = groups.flatMap((group, index) => {
    const middle = left + (index + 0.5) * groupWidth;
    const first = middle - (barWidth * series.length) / 2;
    return [
      label(group, middle, bottom + 16, 'middle'),
      ...series.map(({ colour, values }, place) =>
        bar({ value: values[index] ?? null, colour, x: first + place * barWidth, barWidth, y: y.at }),
      ),
    ];
  });
  return chartOf(chart, width, height, [drawing, valueAxis({ y, left, right }, chart.unit), ...bars]);
}

interface Bar {
  readonly value: number | null;
  readonly colour: Colour;
  readonly x: number;
  readonly barWidth: number;
  readonly y: (value: number) => number;
}

function bar({ value, colour, x, barWidth, y }: Bar): string {
  const middle = x + barWidth / 2;
  if (value === null) return label('–', middle, y(0) - 5, 'middle');
  const at = y(value);
  return (
    element('rect', { class: `f-${colour}`, x: x + 1, y: at, width: barWidth - 2, height: y(0) - at }) +
    label(places(value), middle, at - 4, 'middle')
  );
}
