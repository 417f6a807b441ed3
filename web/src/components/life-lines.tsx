import { useMemo, useState } from 'react';
import type { LineState, OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { containerName, minuteOfDay, timeOfDay } from '../format.ts';
import { ChartFoot } from './chart-foot.tsx';
import { HostGroup } from './host-group.tsx';
import { useWords } from './lane.tsx';
import { StateMark } from './state-mark.tsx';
import { TableView, type TableData } from './table-view.tsx';
import { TimeAxis, type TimeRange } from './time-axis.tsx';

const states: readonly LineState[] = ['starting', 'ready', 'busy', 'idle', 'draining', 'failed'];

/** What every container did on its slot. */
export function LifeLines({ document, range }: { document: OverviewDocument; range: TimeRange }) {
  const [asTable, setAsTable] = useState(false);
  const { slots, segments } = document;
  const bySlot = useMemo(() => {
    const seen = segments.filter((segment) => segment.to > range.from && segment.from < range.to);
    return Map.groupBy(seen, (segment) => segment.slot);
  }, [segments, range]);
  const hosts = [...Map.groupBy(slots, (slot) => slot.host)];
  const rowOf = new Map(document.hosts.map((row) => [row.host, row]));
  const table: TableData = {
    columns: ['slot', 'state', 'container', 'deployment', 'in the window'],
    rows: () =>
      slots.map((slot) => [
        slot.id,
        slot.state,
        slot.container === null ? '' : containerName(slot.container),
        slot.deployment ?? '',
        useWords(bySlot.get(slot.id) ?? []),
      ]),
  };
  const time = range.to - range.from < 300_000 ? timeOfDay : minuteOfDay;
  const hidden = document.containers.capacity - slots.length;
  return (
    <section className="sheet" aria-label="Containers on their slots">
      <header>
        <h2>Containers on their slots</h2>
        <span className="note">
          {time(range.from)} to {time(range.to)}; each block is one job
        </span>
      </header>
      <div className="in">
        {asTable ? (
          <TableView name="Containers on their slots" data={table} />
        ) : (
          <>
            <ol className="lanes">
              {hosts.map(([host, ofHost]) => (
                <HostGroup key={host} row={rowOf.get(host)} slots={ofHost} several={hosts.length > 1} bySlot={bySlot} range={range} />
              ))}
            </ol>
            <TimeAxis range={range} live={range.to === document.window.to} />
          </>
        )}
        <div className="lanefoot">
          <div className="legend">
            {states.map((state) => (
              <StateMark key={state} state={state} />
            ))}
          </div>
          <ChartFoot asTable={asTable} setAsTable={setAsTable} file="slots" data={table}>
            {hidden > 0 ? `${hidden} more slots were free all the time` : ''}
          </ChartFoot>
        </div>
      </div>
    </section>
  );
}
