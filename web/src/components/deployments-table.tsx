import type { ReactNode } from 'react';
import type { DeploymentRow, LineState } from '../../../src/telemetry/overview/document.ts';
import { fixed, percent } from '../format.ts';
import { deploymentHref } from '../place.ts';
import { StateMark } from './state-mark.tsx';

/** The mark of a deployment's state. */
export const markOf: Readonly<Partial<Record<DeploymentRow['state'], LineState>>> = {
  serving: 'busy',
  ready: 'ready',
  starting: 'starting',
  waiting: 'starting',
  'cannot run': 'failed',
};

interface Column {
  readonly label: string;
  readonly number: boolean;
  readonly cell: (row: DeploymentRow) => ReactNode;
}

const number = (label: string, text: (row: DeploymentRow) => string): Column => ({
  label,
  number: true,
  cell: (row) => (text(row) === '-' ? <span className="muted">-</span> : text(row)),
});

const columns: readonly Column[] = [
  { label: 'deployment', number: false, cell: (row) => <a href={deploymentHref(row)}>{row.name}</a> },
  {
    label: 'state',
    number: false,
    cell: ({ state }) => {
      const mark = markOf[state];
      return mark ? <StateMark state={mark} word={state} /> : <span className="muted">{state}</span>;
    },
  },
  number('in queue', (row) => String(row.queued)),
  number('containers', (row) => String(row.containers)),
  number('p95 s', (row) => fixed(row.p95, 1)),
  number('SLO s', (row) => fixed(row.slo_s, 1)),
  number('within SLO %', (row) => percent(row.attainment)),
  number('cold jobs %', (row) => percent(row.cold_share)),
  number('failed %', (row) => percent(row.failed_share)),
  number('$/min', (row) => fixed(row.usd_per_min, 3)),
  number('$ per 1,000 jobs', (row) => fixed(row.usd_per_1000, 2)),
  { label: 'held by', number: false, cell: (row) => row.held_by ?? <span className="muted">nothing</span> },
];

/** A row for each deployment. */
export function DeploymentsTable({ rows }: { rows: readonly DeploymentRow[] }) {
  return (
    <section className="sheet" aria-label="Deployments">
      <header>
        <h2>Deployments</h2>
      </header>
      <div className="scroll" tabIndex={0} role="region" aria-label="Deployments, scrolls">
        <table className="table fold">
          <caption className="sr">Deployments in the last 10 minutes</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.label} scope="col" className={column.number ? 'num' : ''}>
                  {column.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.name}@${row.environment}`}>
                {columns.map((column) => (
                  <td key={column.label} data-l={column.label} className={column.number ? 'num' : 'words'}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
