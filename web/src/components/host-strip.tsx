import type { HostRow } from '../../../src/telemetry/overview/document.ts';
import type { TimeRange } from './time-axis.tsx';

const height = 18;
const top = 2;
/** From the floor up: what works first. */
const layers = ['busy', 'starting', 'idle'] as const;

export interface HostStripProps {
  readonly name: string;
  readonly row: HostRow;
  readonly range: TimeRange;
}

/** Many slots as one line: the share of them that was busy, starting and idle, stacked. */
export function HostStrip({ name, row, range }: HostStripProps) {
  const { series } = row;
  const column = (series[1]?.t ?? 0) - (series[0]?.t ?? 0);
  const x = (t: number): number => Math.min(1000, Math.max(0, ((t - range.from) / (range.to - range.from)) * 1000));
  const paths = layers.map((_, layer) => {
    let path = '';
    for (const point of series) {
      const below = layers.slice(0, layer).reduce((sum, use) => sum + point[use], 0);
      const own = point[layers[layer] ?? 'idle'] * height;
      const [left, right] = [x(point.t), x(point.t + column)];
      if (own < 0.05 || right <= left) continue;
      path += `M${left.toFixed(1)} ${(top + height - below * height).toFixed(2)}v${(-own).toFixed(2)}H${right.toFixed(1)}v${own.toFixed(2)}z`;
    }
    return path;
  });
  return (
    <svg role="img" aria-label={name} viewBox="0 0 1000 24" preserveAspectRatio="none">
      <line className="l-base" x1="0" x2="1000" y1={top + height} y2={top + height} vectorEffect="non-scaling-stroke" />
      {layers.map((layer, index) => (
        <path key={layer} className={`h-${layer}`} d={paths[index]} />
      ))}
    </svg>
  );
}
