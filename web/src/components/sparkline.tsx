import type { Point } from '../../../src/telemetry/overview/document.ts';

const height = 22;
const edge = 2;

export interface SparklineProps {
  /** A sentence: what the line shows. */
  readonly name: string;
  readonly points: readonly Point[];
  readonly colour: string;
  /** A dashed line at this value. */
  readonly limit?: number | null;
  /** Lowest value of the scale; without it the lowest of the points. */
  readonly from?: number;
  /** The scale reaches at least to this value. */
  readonly to?: number;
}

/** A small line without axes. Where nothing is known there is a gap. */
export function Sparkline({ name, points, colour, limit = null, from, to }: SparklineProps) {
  const values = points.flatMap((point) => (point.v === null ? [] : [point.v])).concat(limit ?? []);
  const low = from ?? Math.min(...values);
  const high = Math.max(...values, to ?? -Infinity, low + 1e-9);
  const y = (value: number): number => height - edge - ((value - low) / (high - low)) * (height - 2 * edge);
  const x = (index: number): number => (index / Math.max(1, points.length - 1)) * 100;
  let path = '';
  points.forEach(({ v }, index) => {
    if (v === null) return;
    const begins = index === 0 || points[index - 1]?.v === null;
    path += `${begins ? 'M' : 'L'}${x(index).toFixed(2)} ${y(v).toFixed(2)}${begins && points[index + 1]?.v === null ? 'h.4' : ''}`;
  });
  return (
    <svg className="chart" height={height} viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" role="img" aria-label={name}>
      {limit !== null && values.length > 0 && (
        <line className="slo" x1="0" x2="100" y1={y(limit)} y2={y(limit)} vectorEffect="non-scaling-stroke" />
      )}
      <path className="line" stroke={colour} d={path} />
    </svg>
  );
}
