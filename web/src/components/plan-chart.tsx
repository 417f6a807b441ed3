import { useEffect, useMemo, useRef, useState } from 'react';
import { labelPlaces, type Edge } from '../../../src/charts/label-places.ts';
import { scatterScales } from '../../../src/charts/scatter-layout.ts';
import { pathThrough, type Point } from '../../../src/charts/svg.ts';
import { costOf, nameOf } from '../../../src/planning/plan/names.ts';
import { pictureOf, type PicturePoint, type PlanPicture } from '../../../src/planning/plan/picture.ts';
import { unbroken } from '../format.ts';
import type { PlanResult } from '../shapes.ts';

/** Of the y axis' unit, above the plot. */
const unitHeight = 14;
/** Below it, labels are the short ones. */
const roomy = 620;

/** Cost against p95; `best`: what the best settings are called. A pointer, or arrow keys, go from point to point; what stands there is read. */
export function PlanChart({ result, best }: { result: PlanResult; best: string }) {
  const [place, size] = useSize();
  const picture = useMemo(() => pictureOf(result, best.charAt(0).toUpperCase() + best.slice(1)), [result, best]);
  const inOrder = useMemo(() => picture.points.toSorted((a, b) => a.x - b.x || a.y - b.y), [picture]);
  const [at, setAt] = useState<number | null>(null);
  useEffect(() => setAt(null), [result]);
  const point = at === null ? null : (inOrder[at] ?? null);
  const onKey = (event: React.KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === 'Escape') setAt(null);
    if (step === undefined) return;
    event.preventDefault();
    setAt(Math.min(inOrder.length - 1, Math.max(0, (at ?? (step > 0 ? -1 : inOrder.length)) + step)));
  };
  return (
    <>
      <div
        className="plan-chart"
        ref={place}
        role="img"
        aria-label={`Cost against p95, simulated. ${result.says[0]}`}
        tabIndex={0}
        onKeyDown={onKey}
        onBlur={() => setAt(null)}
        onPointerLeave={() => setAt(null)}
      >
        {size.width > 0 && <Drawing picture={picture} {...size} point={point} hover={(one) => setAt(inOrder.indexOf(one))} />}
      </div>
      <div className="chartfoot">
        <span className="reading" aria-live="polite">
          {point ? unbroken(readingOf(point)) : unbroken(footOf(picture))}
        </span>
      </div>
    </>
  );
}

const footOf = ({ omitted, unitY }: PlanPicture): string =>
  `x: p95 in seconds, log scale; y: ${unitY}; all simulated.${omitted === null ? '' : ` ${omitted}`}`;

function readingOf({ run, group, label }: PicturePoint): string {
  const name = group === 'others' ? `${label} (${run.policy})` : nameOf(run);
  return `${name}: ${costOf(run)}, p95 ${run.p95_s.toFixed(1)} s`;
}

interface DrawingProps {
  readonly picture: PlanPicture;
  readonly width: number;
  readonly height: number;
  readonly point: PicturePoint | null;
  readonly hover: (point: PicturePoint) => void;
}

function Drawing({ picture, width, height, point, hover }: DrawingProps) {
  const edge: Edge = { left: 30, right: width - 4, top: 4, bottom: height - 24 };
  const { points, frontier, bound, limit } = picture;
  const { x, y } = scatterScales([...points, ...frontier, ...bound], limit?.value, edge);
  const onDrawing = (curve: readonly Point[]): Point[] => curve.map((one) => ({ x: x.at(one.x), y: y.at(one.y) }));
  const drawn = points.map((one) => ({
    ...one,
    own: one,
    label: width < roomy ? shortLabel(one) : one.label,
    x: x.at(one.x),
    y: y.at(one.y),
  }));
  const line = limit && { x: x.at(limit.value), label: limit.label };
  const put = labelPlaces(
    drawn,
    { ...edge, top: edge.top + unitHeight },
    { limit: line, curves: [frontier, bound].map(onDrawing), widthOf },
  );
  return (
    <svg className="chart" width={width} height={height} aria-hidden="true">
      {limit && (
        <rect
          className="kept"
          x={edge.left}
          y={edge.top + unitHeight}
          width={x.at(limit.value) - edge.left}
          height={edge.bottom - edge.top - unitHeight}
        />
      )}
      <Axes x={x} y={y} edge={edge} unitY={picture.unitY} />
      <path className="line bound" d={pathThrough(onDrawing(bound))} />
      <path className="line frontier" d={pathThrough(onDrawing(frontier))} />
      {line && <line className="slo" x1={line.x} x2={line.x} y1={edge.top + unitHeight} y2={edge.bottom} />}
      {put.labels.map((at, index) => at?.leader && <Leader key={index} line={at.leader} />)}
      {[...drawn.filter(({ chosen }) => !chosen), ...drawn.filter(({ chosen }) => chosen)].map((one, index) => (
        <g key={`${one.group} ${one.label} ${index}`} transform={`translate(${one.x} ${one.y})`} onPointerEnter={() => hover(one.own)}>
          {(one.chosen || one.own === point) && <circle className="ring" r="10" />}
          <circle className="hit" r="12" />
          <path className={`mark ${one.group}${one.chosen ? ' chosen' : ''}`} d={marks[one.group]} />
        </g>
      ))}
      {line && put.limit && <text {...put.limit}>{line.label}</text>}
      {drawn.map((one, index) => {
        const at = put.labels[index];
        return (
          at && (
            <text key={`${one.label} ${index}`} className={one.chosen ? 'strong' : undefined} x={at.x} y={at.y}>
              {one.label}
            </text>
          )
        );
      })}
    </svg>
  );
}

/** In the letters that the style sheet gives the chart: those of the page, at 11 px. */
function widthOf({ label, chosen = false }: { label: string; chosen?: boolean }): number {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return label.length * 6;
  context.font = `${chosen ? 'bold ' : ''}11px ${getComputedStyle(document.body).fontFamily}`;
  return context.measureText(label).width;
}

const Leader = ({ line: [from, to] }: { line: readonly [Point, Point] }) => (
  <line className="leader" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
);

const marks = { frontier: 'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0', others: 'M0-6L6 0L0 6L-6 0Z' };

const shortLabel = ({ label, chosen, run }: PicturePoint): string =>
  chosen ? label.slice(0, label.indexOf(':')) : label === '' ? '' : run.policy;

type Scales = ReturnType<typeof scatterScales>;

/** Units stand at the last label of each axis. */
function Axes({ x, y, edge, unitY }: Scales & { edge: Edge; unitY: string }) {
  const last = x.ticks.at(-1) ?? 0;
  return (
    <>
      {y.ticks.map((tick) => (
        <g key={tick}>
          <line className={tick === 0 ? 'axis-line' : 'grid'} x1={edge.left} x2={edge.right} y1={y.at(tick)} y2={y.at(tick)} />
          <text x={edge.left - 6} y={y.at(tick) + 4} textAnchor="end">
            {tick}
          </text>
        </g>
      ))}
      <text x={edge.left} y={edge.top + 8}>
        {unitY}
      </text>
      {x.ticks
        .filter((tick) => tick === last || x.at(tick) < x.at(last) - 56)
        .map((tick) => (
          <text key={tick} x={x.at(tick)} y={edge.bottom + 18} textAnchor={tick === last ? 'end' : 'middle'}>
            {tick === last ? `${tick} s p95` : tick}
          </text>
        ))}
    </>
  );
}

/** An element, and how large it is now. */
function useSize(): [React.RefObject<HTMLDivElement | null>, { width: number; height: number }] {
  const place = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const sized = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);
  return [place, size];
}
