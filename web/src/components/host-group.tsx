import { useState } from 'react';
import type { HostRow, Segment, SlotRow } from '../../../src/telemetry/overview/document.ts';
import { HostLane } from './host-lane.tsx';
import { Lane } from './lane.tsx';
import type { TimeRange } from './time-axis.tsx';

export interface HostGroupProps {
  /** The host as one line; undefined where its slots are few enough to be looked at. */
  readonly row: HostRow | undefined;
  readonly slots: readonly SlotRow[];
  readonly bySlot: ReadonlyMap<string, readonly Segment[]>;
  readonly range: TimeRange;
  /** Is there another host? */
  readonly several: boolean;
}

const none: readonly Segment[] = [];

/** The life lines of one host's slots, or the host as one line that opens. */
export function HostGroup({ row, slots, bySlot, range, several }: HostGroupProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      {row && <HostLane row={row} slots={slots} range={range} open={open} toggle={() => setOpen(!open)} />}
      {(!row || open) &&
        slots.map((slot, index) => (
          <Lane
            key={slot.id}
            slot={slot}
            place={placeOf(slot, several)}
            segments={bySlot.get(slot.id) ?? none}
            range={range}
            first={index === 0 && !row}
          />
        ))}
    </>
  );
}

/** `ash 0`, or `GPU 0` where there is one host only. */
function placeOf({ host, device, id }: SlotRow, several: boolean): string {
  const number = /^gpu(\d+)$/.exec(device)?.[1];
  const share = /#\d+$/.exec(id)?.[0] ?? '';
  if (number !== undefined) return `${several ? host : 'GPU'} ${number}${share}`;
  const name = device.replace(/^https?:\/\//, '');
  return `${several ? `${host} ${name}` : name === 'cpu' ? 'CPU' : name}${share}`;
}
