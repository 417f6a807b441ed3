import { memo } from 'react';
import type { Segment, SlotRow } from '../../../src/telemetry/overview/document.ts';
import { containerName } from '../format.ts';
import { SegmentBlock } from './segment-block.tsx';
import { StateMark } from './state-mark.tsx';
import type { TimeRange } from './time-axis.tsx';

export interface LaneProps {
  readonly slot: SlotRow;
  readonly place: string;
  readonly segments: readonly Segment[];
  readonly range: TimeRange;
  /** The first lane of a host has a line above it. */
  readonly first: boolean;
}

/** The life line of one slot, and what is on it now. */
export const Lane = memo(function Lane({ slot, place, segments, range, first }: LaneProps) {
  return (
    <li className={first ? 'lane host' : 'lane'}>
      <span className="place" title={slot.id}>
        {place}
      </span>
      <svg role="img" aria-label={`${place}: ${useWords(segments)}`}>
        <line className="l-base" x1="0" x2="100%" y1="19.5" y2="19.5" />
        {segments
          .toSorted((a, b) => Number(a.state === 'failed') - Number(b.state === 'failed'))
          .map((segment) => (
            <SegmentBlock key={`${segment.container}-${segment.from}-${segment.state}`} segment={segment} range={range} />
          ))}
      </svg>
      <span className="now">
        {slot.state === 'free' ? (
          <span className="muted">free</span>
        ) : (
          <>
            <StateMark state={slot.state} />
            <span className="x muted">
              {slot.container !== null && containerName(slot.container)} {slot.deployment}
            </span>
          </>
        )}
      </span>
    </li>
  );
});

/** `busy 452 s, idle 148 s`, in the order of the states that last longest. */
export function useWords(segments: readonly Segment[]): string {
  const sums = new Map<string, number>();
  for (const { state, from, to } of segments) sums.set(state, (sums.get(state) ?? 0) + (to - from) / 1000);
  const said = [...sums].toSorted((a, b) => b[1] - a[1]).map(([state, sum]) => `${state} ${Math.round(sum)} s`);
  return said.join(', ') || 'nothing ran here';
}
