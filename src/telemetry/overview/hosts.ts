import type { CostPoint, HostRow, Segment, SlotRow } from './document.ts';
import { useOf } from './life-lines.ts';
import { columnMs, columnOf, columnsUntil } from './window.ts';

/** With more slots than this, hosts are drawn instead. */
const maxSlots = 60;

/** A row for each host that shows what its slots did together; none when the slots are few enough to be looked at. */
export function hostRows(slots: readonly SlotRow[], segments: readonly Segment[], now: number): HostRow[] {
  if (slots.length <= maxSlots) return [];
  const hostOf = new Map(slots.map((slot) => [slot.id, slot.host]));
  const segmentsOf = Map.groupBy(segments, (segment) => hostOf.get(segment.slot));
  return [...Map.groupBy(slots, (slot) => slot.host)].map(([host, ofHost]) => ({
    host,
    slots: ofHost.length,
    series: sharesOf(segmentsOf.get(host) ?? [], ofHost.length, now),
  }));
}

function sharesOf(segments: readonly Segment[], slots: number, now: number): CostPoint[] {
  const columns = new Map(columnsUntil(now).map((t) => [t, { t, busy: 0, starting: 0, idle: 0 }]));
  for (const { state, from, to } of segments) {
    if (state === 'failed' || state === 'parked') continue;
    for (let start = columnOf(Math.max(from, [...columns.keys()][0] ?? from)); start < to; start += columnMs) {
      const column = columns.get(start);
      if (column)
        column[useOf(state)] +=
          (Math.min(to, start + columnMs) - Math.max(from, start)) / (Math.min(now, start + columnMs) - start) / slots;
    }
  }
  return [...columns.values()];
}
