import type { Segment } from '../../../src/telemetry/overview/document.ts';
import { containerName, jobName, seconds, timeOfDay } from '../format.ts';
import type { TimeRange } from './time-axis.tsx';

/** The gap that keeps the blocks of two jobs apart, and the narrowest mark, in percent of the lane. */
const gap = 0.09;
const narrowest = 0.16;

const floor = 19.5;
const heights: Readonly<Record<string, readonly [y: number, height: number]>> = {
  busy: [4, 16],
  starting: [4.5, 15],
  draining: [11.5, 8],
  ready: [16, 3.5],
  idle: [16, 3.5],
};

/** One stretch of a container's life: its height and texture say how useful the GPU was. */
export function SegmentBlock({ segment, range }: { segment: Segment; range: TimeRange }) {
  const { state } = segment;
  const length = range.to - range.from;
  const from = Math.max(segment.from, range.from);
  const to = Math.min(segment.to, range.to);
  const x = ((from - range.from) / length) * 100;
  const width = Math.max(narrowest, ((to - from) / length) * 100 - (state === 'busy' ? gap : 0));
  const title = <title>{wordsOf(segment)}</title>;
  if (state === 'failed') {
    return (
      <svg x={`${x}%`} y="4" width="15" height="15" overflow="visible">
        <rect className="l-failed" width="13" height="15" rx="1" />
        <path className="l-x" d="M3.5 4.5l6 6M9.5 4.5l-6 6" />
        {title}
      </svg>
    );
  }
  if (state === 'parked') {
    return (
      <line className="l-parked" x1={`${x}%`} x2={`${x + width}%`} y1={floor + 2} y2={floor + 2}>
        {title}
      </line>
    );
  }
  const [y, height] = heights[state] ?? [4, 16];
  return (
    <rect className={`l-${state}`} x={`${x}%`} width={`${width}%`} y={y} height={height} {...(state === 'busy' ? { rx: 1 } : {})}>
      {title}
    </rect>
  );
}

function wordsOf({ container, state, from, to, job, reason }: Segment): string {
  const what = job === undefined ? '' : `, job ${jobName(job)}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return state === 'failed'
    ? `${containerName(container)} failed at ${timeOfDay(from)}${why}`
    : `${containerName(container)} ${state} ${seconds((to - from) / 1000)} from ${timeOfDay(from)}${what}`;
}
