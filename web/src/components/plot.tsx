import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { coloursOf, type Colours } from '../colours.ts';
import { drawGrid, drawLabels } from '../draw-axes.ts';
import type { TimeRange } from './time-axis.tsx';

export interface PlotProps {
  /** A sentence: what the chart shows. */
  readonly name: string;
  readonly range: TimeRange;
  readonly max: number;
  readonly unit: string;
  /** Times of the points in seconds, rising; the cursor stops at them. */
  readonly times: readonly number[];
  readonly draw: (plot: uPlot, colours: Colours) => void;
  /** What stands at a point, in words; null leaves the cursor. */
  readonly read: (index: number | null) => void;
  readonly zoom: (range: TimeRange | null) => void;
}

const crosshair = uPlot.sync('overview');

/** A chart over time on a canvas. Drag zooms every chart, a double click or Escape resets; arrow keys walk along its points. */
export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef(props);
  latest.current = props;
  const [theme, setTheme] = useState(0);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = makePlot(element, latest, coloursOf(element));
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: element.clientHeight }));
    sized.observe(element);
    return () => {
      sized.disconnect();
      crosshair.unsub(made);
      made.destroy();
      plot.current = null;
    };
  }, [theme]);

  useEffect(() => onThemeChange(() => setTheme((n) => n + 1)), []);

  useEffect(() => {
    const { times, range, max } = props;
    plot.current?.batch(() => {
      plot.current?.setData([[...times], times.map(() => null)], false);
      plot.current?.setScale('x', { min: range.from / 1000, max: range.to / 1000 });
      plot.current?.setScale('y', { min: 0, max });
    });
  }, [props]);

  const onKey = (event: React.KeyboardEvent): void => {
    const u = plot.current;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === 'Escape') return props.zoom(null);
    if (!u || step === undefined) return;
    event.preventDefault();
    const last = props.times.length - 1;
    const index = Math.min(last, Math.max(0, (u.cursor.idx ?? (step > 0 ? -1 : last + 1)) + step));
    const time = props.times[index];
    if (time !== undefined) u.setCursor({ left: u.valToPos(time, 'x'), top: 0 });
  };

  return (
    <div className="plot" ref={place} role="img" aria-label={props.name} tabIndex={0} onKeyDown={onKey} onBlur={() => props.read(null)} />
  );
}

function makePlot(element: HTMLElement, latest: { readonly current: PlotProps }, colours: Colours): uPlot {
  const options: uPlot.Options = {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [14, 0, 18, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      sync: { key: crosshair.key, setSeries: false },
      bind: { dblclick: () => () => (latest.current.zoom(null), null) },
    },
    scales: { x: { time: true, auto: false }, y: { auto: false, range: () => [0, latest.current.max] } },
    series: [{}, { show: true, paths: () => null, points: { show: false } }],
    axes: [{ show: false }, { show: false }],
    hooks: {
      drawClear: [(u) => drawGrid(u, colours)],
      draw: [(u) => latest.current.draw(u, colours), (u) => drawLabels(u, colours, latest.current.unit)],
      setCursor: [(u) => latest.current.read(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width < 4) return;
          latest.current.zoom({ from: u.posToVal(left, 'x') * 1000, to: u.posToVal(left + width, 'x') * 1000 });
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
  const made = new uPlot(options, [[], []], element);
  crosshair.sub(made);
  return made;
}

/** Calls back when the page's theme is another one: chosen, or the system's. */
function onThemeChange(changed: () => void): () => void {
  const chosen = new MutationObserver(changed);
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', changed);
  return () => {
    chosen.disconnect();
    system.removeEventListener('change', changed);
  };
}
