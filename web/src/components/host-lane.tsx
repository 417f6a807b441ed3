import type { HostRow, SlotRow } from '../../../src/telemetry/overview/document.ts';
import { count } from '../format.ts';
import { HostStrip } from './host-strip.tsx';
import type { TimeRange } from './time-axis.tsx';

export interface HostLaneProps {
  readonly row: HostRow;
  readonly slots: readonly SlotRow[];
  readonly range: TimeRange;
  readonly open: boolean;
  readonly toggle: () => void;
}

/** All slots of a host in one line, where there are too many to draw each; its button opens them. */
export function HostLane({ row, slots, range, open, toggle }: HostLaneProps) {
  const { host } = row;
  const on = slots.filter((slot) => slot.state !== 'free');
  const busy = on.filter((slot) => slot.state === 'busy').length;
  return (
    <li className="lane host">
      <button type="button" className="place" aria-expanded={open} onClick={toggle} title={host}>
        {open ? '▾' : '▸'} {host}
      </button>
      <HostStrip name={`${host}: share of ${count(row.slots, 'slot')} that was busy, starting and idle`} row={row} range={range} />
      <span className="now">
        {busy} busy of {on.length}
      </span>
    </li>
  );
}
