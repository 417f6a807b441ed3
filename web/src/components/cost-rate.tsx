import { useCallback, useMemo, useState } from 'react';
import type uPlot from 'uplot';
import type { CostPoint } from '../../../src/telemetry/overview/document.ts';
import type { Colours } from '../colours.ts';
import { niceScale } from '../draw-axes.ts';
import { timeOfDay, unbroken } from '../format.ts';
import { ChartFoot } from './chart-foot.tsx';
import type { ChartProps } from './job-dots.tsx';
import { Plot } from './plot.tsx';
import { TableView, type TableData } from './table-view.tsx';

const uses = ['busy', 'starting', 'idle'] as const;

/** What the fleet costs by what the containers do, stacked; containers are counted where no price is set. */
export function CostRate({ document, range, zoom }: ChartProps) {
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const { cost } = document;
  const series = useMemo(() => cost.series.filter((point) => point.t >= document.window.from), [cost.series, document.window.from]);
  const priced = cost.unit === 'usd_per_min';
  const { max } = niceScale(Math.max(priced ? 0.004 : 1, ...series.map((point) => point.busy + point.starting + point.idle)));
  const draw = useCallback((u: uPlot, colours: Colours) => drawStack(u, colours, series), [series]);
  const title = priced ? 'Cost rate, $/min' : 'Containers by use';
  const digits = priced ? 3 : 1;
  const table: TableData = {
    columns: ['time', ...uses],
    rows: () => series.toReversed().map((point) => [timeOfDay(point.t), ...uses.map((use) => point[use].toFixed(digits))]),
  };
  const point = at === null ? undefined : series[at];
  return (
    <section className="sheet" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="right legend">
          {uses.map((use) => (
            <span key={use} className={`st-${use}`}>
              <i className={use === 'starting' ? 'hatch' : ''} />
              {use}
            </span>
          ))}
        </span>
      </header>
      <div className="in">
        {asTable ? (
          <TableView name={title} data={table} />
        ) : (
          <Plot
            name={cost.summary}
            range={range}
            max={max}
            unit={priced ? '$/min' : 'containers'}
            times={series.map((one) => one.t / 1000)}
            draw={draw}
            read={setAt}
            zoom={zoom}
          />
        )}
        <ChartFoot asTable={asTable} setAsTable={setAsTable} file="cost" data={table}>
          <span aria-live="polite">{point ? wordsOf(point, digits) : unbroken(cost.note)}</span>
        </ChartFoot>
      </div>
    </section>
  );
}

const wordsOf = (point: CostPoint, digits: number): string =>
  `${timeOfDay(point.t)}: ${uses.map((use) => `${use} ${point[use].toFixed(digits)}`).join(', ')}`;

function drawStack(u: uPlot, colours: Colours, series: readonly CostPoint[]): void {
  const { ctx, bbox } = u;
  const columnS = ((series[1]?.t ?? 0) - (series[0]?.t ?? 0)) / 1000;
  const fills = { busy: colours.busy, starting: hatch(ctx, colours.starting), idle: colours.idle };
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const point of series) {
    const left = Math.round(u.valToPos(point.t / 1000, 'x', true));
    const right = Math.round(u.valToPos(point.t / 1000 + columnS, 'x', true));
    let below = 0;
    for (const use of uses) {
      const [bottom, top] = [u.valToPos(below, 'y', true), u.valToPos(below + point[use], 'y', true)];
      below += point[use];
      ctx.globalAlpha = use === 'idle' ? 0.55 : 1;
      ctx.fillStyle = fills[use];
      ctx.fillRect(left, top, right - left, bottom - top);
    }
  }
  ctx.restore();
}

function hatch(ctx: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const size = Math.round(5 * devicePixelRatio);
  const tile = Object.assign(document.createElement('canvas'), { width: size, height: size });
  const pen = tile.getContext('2d');
  if (!pen) return colour;
  pen.fillStyle = colour;
  pen.globalAlpha = 0.28;
  pen.fillRect(0, 0, size, size);
  pen.globalAlpha = 1;
  pen.strokeStyle = colour;
  pen.lineWidth = size * 0.36;
  for (const shift of [-size, 0, size]) {
    pen.beginPath();
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
    pen.stroke();
  }
  return ctx.createPattern(tile, 'repeat') ?? colour;
}
