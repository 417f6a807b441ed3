import { useCallback, useMemo, useState } from 'react';
import type uPlot from 'uplot';
import type { JobDot, OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import type { Colours } from '../colours.ts';
import { niceScale } from '../draw-axes.ts';
import { jobName, seconds, timeOfDay, unbroken } from '../format.ts';
import { ChartFoot } from './chart-foot.tsx';
import { Plot } from './plot.tsx';
import { TableView, type TableData } from './table-view.tsx';
import type { TimeRange } from './time-axis.tsx';

export interface ChartProps {
  readonly document: OverviewDocument;
  readonly range: TimeRange;
  readonly zoom: (range: TimeRange | null) => void;
}

/** Every job as a mark: when it came, and how long it took. */
export function JobDots({ document, range, zoom }: ChartProps) {
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const { jobs, slo } = document;
  const dots = useMemo(() => jobs.items.toSorted((a, b) => a.arrived_at - b.arrived_at), [jobs.items]);
  const { max } = niceScale(Math.max(1, (slo.latency_s ?? 0) * 1.25, ...dots.map((dot) => dot.total_s)));
  const draw = useCallback((u: uPlot, colours: Colours) => drawDots(u, colours, dots, slo.latency_s), [dots, slo.latency_s]);
  const table: TableData = {
    columns: ['arrived', 'job', 'seconds', 'waited for a start', 'outcome'],
    rows: () =>
      dots.toReversed().map((dot) => [timeOfDay(dot.arrived_at), dot.id, dot.total_s.toFixed(3), dot.cold ? 'yes' : 'no', dot.outcome]),
  };
  const dot = at === null ? undefined : dots[at];
  return (
    <section className="sheet" aria-label="Every job">
      <header>
        <h2>Every job, seconds by arrival</h2>
        <span className="right legend">
          <span className="st-busy">
            <svg viewBox="0 0 11 11" aria-hidden="true">
              <circle cx="5.5" cy="5.5" r="3" fill="currentColor" />
            </svg>
            warm
          </span>
          <span className="st-starting">
            <svg viewBox="0 0 11 11" aria-hidden="true">
              <path d="M5.5 1L10 9.5H1z" fill="currentColor" />
            </svg>
            waited for a start
          </span>
          <span className="st-failed">
            <svg viewBox="0 0 11 11" aria-hidden="true">
              <path d="M2 2l7 7M9 2l-7 7" stroke="currentColor" strokeWidth="2" />
            </svg>
            failed
          </span>
          {slo.latency_s !== null && (
            <span className="c-slo">
              <i className="dashed" />
              SLO {slo.latency_s}&nbsp;s
            </span>
          )}
        </span>
      </header>
      <div className="in">
        {asTable ? (
          <TableView name="Every job" data={{ ...table, rows: () => table.rows().slice(0, 200) }} />
        ) : (
          <Plot
            name={jobs.summary}
            range={range}
            max={max}
            unit="s"
            times={dots.map((one) => one.arrived_at / 1000)}
            draw={draw}
            read={setAt}
            zoom={zoom}
          />
        )}
        <ChartFoot asTable={asTable} setAsTable={setAsTable} file="jobs" data={table}>
          <span aria-live="polite">{unbroken(dot ? wordsOf(dot) : jobs.note)}</span>
        </ChartFoot>
      </div>
    </section>
  );
}

const wordsOf = (dot: JobDot): string =>
  `${timeOfDay(dot.arrived_at)} ${jobName(dot.id)}: ${seconds(dot.total_s)}, ${dot.outcome}${dot.cold ? ', waited for a start' : ''}`;

function drawDots(u: uPlot, colours: Colours, dots: readonly JobDot[], limit: number | null): void {
  const { ctx, bbox } = u;
  const unit = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
  ctx.clip();
  if (limit !== null) {
    const y = Math.round(u.valToPos(limit, 'y', true)) + 0.5;
    ctx.strokeStyle = colours.limit;
    ctx.lineWidth = 1.25 * unit;
    ctx.setLineDash([5 * unit, 3 * unit]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const dot of dots) {
    const x = u.valToPos(dot.arrived_at / 1000, 'x', true);
    const y = u.valToPos(dot.total_s, 'y', true);
    if (dot.outcome !== 'succeeded') drawCross(ctx, x, y, unit, colours);
    else if (dot.cold) drawTriangle(ctx, x, y, unit, colours);
    else drawDisc(ctx, x, y, unit, colours);
  }
  ctx.restore();
}

function drawDisc(ctx: CanvasRenderingContext2D, x: number, y: number, unit: number, colours: Colours): void {
  ctx.globalAlpha = 0.62;
  ctx.fillStyle = colours.busy;
  ctx.beginPath();
  ctx.arc(x, y, 1.9 * unit, 0, 2 * Math.PI);
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawTriangle(ctx: CanvasRenderingContext2D, x: number, y: number, unit: number, colours: Colours): void {
  ctx.fillStyle = colours.starting;
  ctx.strokeStyle = colours.surface;
  ctx.lineWidth = 0.8 * unit;
  ctx.beginPath();
  ctx.moveTo(x, y - 4.5 * unit);
  ctx.lineTo(x + 4 * unit, y + 3 * unit);
  ctx.lineTo(x - 4 * unit, y + 3 * unit);
  ctx.closePath();
  ctx.fill();
  ctx.stroke();
}

function drawCross(ctx: CanvasRenderingContext2D, x: number, y: number, unit: number, colours: Colours): void {
  const reach = 3 * unit;
  ctx.strokeStyle = colours.failed;
  ctx.lineWidth = 1.8 * unit;
  ctx.beginPath();
  ctx.moveTo(x - reach, y - reach);
  ctx.lineTo(x + reach, y + reach);
  ctx.moveTo(x + reach, y - reach);
  ctx.lineTo(x - reach, y + reach);
  ctx.stroke();
}
