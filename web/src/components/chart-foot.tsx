import type { ReactNode } from 'react';
import { downloadCsv } from '../csv.ts';
import type { TableData } from './table-view.tsx';

export interface ChartFootProps {
  readonly asTable: boolean;
  readonly setAsTable: (asTable: boolean) => void;
  /** Name of the CSV file. */
  readonly file: string;
  readonly data: TableData;
  readonly children: ReactNode;
}

/** Below a chart: what it counts, and the ways to the same figures without eyes. */
export function ChartFoot({ asTable, setAsTable, file, data, children }: ChartFootProps) {
  return (
    <div className="chartfoot">
      <span className="reading">{children}</span>
      <span className="right">
        <button type="button" className="btn ghost small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          Table
        </button>
        <button type="button" className="btn ghost small" onClick={() => downloadCsv(file, [data.columns, ...data.rows()])}>
          CSV
        </button>
      </span>
    </div>
  );
}
