import type { ReactNode } from 'react';
import type { ShadowResult, ShadowRun } from '../../../src/shadow/document.ts';
import { fixed, percent } from '../format.ts';
import { dollars } from './shadow-figures.tsx';

interface Column {
  readonly label: string;
  readonly number: boolean;
  readonly cell: (run: ShadowRun) => ReactNode;
}

const columnsOf = ({ best, price_usd_per_hour: price, slo }: ShadowResult): readonly Column[] => [
  {
    label: 'settings',
    number: false,
    cell: ({ name, label }) => (
      <>
        {name === 'now' ? <b>{label}</b> : label} {name === best && <span className="tag">cheapest that keeps it</span>}
      </>
    ),
  },
  { label: 'keeps the promise', number: false, cell: ({ meets }) => (meets ? 'yes' : <span className="bad">no</span>) },
  { label: `within ${slo.latency_s} s, %`, number: true, cell: (run) => percent(run.attainment) },
  { label: 'p95 s', number: true, cell: (run) => fixed(run.p95_s, 1) },
  price === null
    ? { label: 'container-hours', number: true, cell: (run) => (run.gpu_seconds / 3600).toFixed(2) }
    : { label: '$/h', number: true, cell: (run) => dollars(run.usd_per_hour) },
  { label: 'containers at most', number: true, cell: (run) => String(run.peak_containers) },
];

/** A row for each simulated run. */
export function ShadowRuns({ result }: { result: ShadowResult }) {
  const columns = columnsOf(result);
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Simulated runs, scrolls">
      <table className="table fold">
        <caption className="sr">What came, replayed with other settings: simulated</caption>
        <thead>
          <tr>
            {columns.map(({ label, number }) => (
              <th key={label} scope="col" className={number ? 'num' : ''}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {result.runs.map((run) => (
            <tr key={run.name}>
              {columns.map(({ label, number, cell }) => (
                <td key={label} data-l={label} className={number ? 'num' : 'words'}>
                  {cell(run)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
