import { nameOf } from '../../../src/planning/plan/names.ts';
import { downloadCsv } from '../csv.ts';
import { percent } from '../format.ts';
import type { PlanResult } from '../shapes.ts';

type Run = PlanResult['frontier'][number];

interface Choice {
  readonly name: string;
  readonly settings: string;
  readonly run: Run;
  readonly recommended: boolean;
}

/** The frontier, then what others run as it comes; the cheapest first in each. */
function choicesOf({ frontier, peers, recommended }: PlanResult): Choice[] {
  const chosen = recommended && nameOf(recommended);
  const own = frontier.map((run): Choice => {
    const settings = nameOf(run);
    return { name: settings, settings, run, recommended: settings === chosen };
  });
  // What is nearest to the target need not be on the frontier.
  const missing = recommended && !own.some((one) => one.recommended);
  const first = missing ? [{ name: nameOf(recommended), settings: nameOf(recommended), run: recommended, recommended: true }] : [];
  return [...first, ...own, ...peers.map((run) => ({ name: run.name, settings: nameOf(run), run, recommended: false }))];
}

const figuresOf = (run: Run, { recommended, price_usd_per_hour: price }: PlanResult): string[] => [
  price === null ? run.gpu_seconds_per_hour.toFixed(0) : (run.usd_per_hour ?? 0).toFixed(2),
  recommended ? (run.gpu_seconds_per_hour / recommended.gpu_seconds_per_hour).toFixed(2) : '-',
  run.p50_s.toFixed(1),
  run.p95_s.toFixed(1),
  percent(run.attainment),
  String(run.peak_containers),
];

/** The same as the chart, in numbers. */
export function PlanTable({ result }: { result: PlanResult }) {
  const columns = [result.price_usd_per_hour === null ? 'GPU-s/h' : '$/h', 'x recommended', 'p50 s', 'p95 s', 'within SLO %', 'peak'];
  const choices = choicesOf(result);
  const csv = (): void =>
    downloadCsv('plan', [
      ['choice', 'settings', ...columns, 'promise'],
      ...choices.map(({ name, settings, run }) => [name, settings, ...figuresOf(run, result), run.meets ? 'kept' : 'missed']),
    ]);
  return (
    <section className="sheet" aria-label="The same in numbers">
      <header>
        <h2>The same in numbers</h2>
        <span className="note">the frontier, then others&apos; defaults on the same jobs; all simulated</span>
        <button type="button" className="btn ghost small right" onClick={csv}>
          CSV
        </button>
      </header>
      <div className="scroll" tabIndex={0} role="region" aria-label="Choices, scrolls">
        <table className="table fold plan-table">
          <caption className="sr">Choices, simulated</caption>
          <thead>
            <tr>
              <th scope="col">choice</th>
              {columns.map((column) => (
                <th key={column} scope="col" className="num">
                  {column}
                </th>
              ))}
              <th scope="col">promise</th>
            </tr>
          </thead>
          <tbody>
            {choices.map(({ name, settings, run, recommended }) => (
              <tr key={`${name} ${recommended}`} className={recommended ? 'on' : ''}>
                <td data-l="choice" className="words">
                  {recommended ? <b>{name}, recommended</b> : name}
                  {name !== settings && <span className="muted"> {settings}</span>}
                </td>
                {figuresOf(run, result).map((cell, index) => (
                  <td key={columns[index]} data-l={columns[index]} className="num">
                    {cell}
                  </td>
                ))}
                <td data-l="promise">
                  <span className={`tag ${run.meets ? 'good' : 'bad'}`}>{run.meets ? 'kept' : 'missed'}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
