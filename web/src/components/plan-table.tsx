import { nameOf } from '../../../src/planning/plan/names.ts';
import { downloadCsv } from '../csv.ts';
import { fixed, percent } from '../format.ts';
import type { PlanResult } from '../shapes.ts';

type Run = PlanResult['frontier'][number];

interface Choice {
  readonly name: string;
  readonly settings: string;
  readonly run: Run;
  /** What the best one is called; empty for all the others. */
  readonly tag: string;
}

/** The frontier, then what others run as it comes; the cheapest first in each. */
function choicesOf({ frontier, peers, recommended, nearest }: PlanResult, tag: string): Choice[] {
  const best = recommended ?? nearest;
  const own = frontier.map((run): Choice => {
    const settings = nameOf(run);
    return { name: settings, settings, run, tag: best && settings === nameOf(best) ? tag : '' };
  });
  // What is nearest to the target need not be on the frontier.
  const missing = best && !own.some((one) => one.tag !== '');
  const first = missing ? [{ name: nameOf(best), settings: nameOf(best), run: best, tag }] : [];
  return [...first, ...own, ...peers.map((run) => ({ name: run.name, settings: nameOf(run), run, tag: '' }))];
}

const figuresOf = (run: Run, { recommended, nearest, price_usd_per_hour: price }: PlanResult): string[] => [
  price === null ? fixed(run.gpu_seconds_per_hour, 0) : fixed(run.usd_per_hour, 2),
  fixed(run.gpu_seconds_per_hour / ((recommended ?? nearest)?.gpu_seconds_per_hour ?? NaN), 2),
  fixed(run.p50_s, 1),
  fixed(run.p95_s, 1),
  percent(run.attainment),
  String(run.peak_containers),
];

/** The same as the chart, in numbers. */
export function PlanTable({ result, best }: { result: PlanResult; best: string }) {
  const columns = [result.price_usd_per_hour === null ? 'GPU-s/h' : '$/h', `x ${best}`, 'p50 s', 'p95 s', 'within SLO %', 'peak'];
  const choices = choicesOf(result, best);
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
            {choices.map(({ name, settings, run, tag }) => (
              <tr key={`${name} ${tag}`} className={tag === '' ? '' : 'on'}>
                <td data-l="choice" className="words">
                  {tag === '' ? (
                    name
                  ) : (
                    <b>
                      {name}, {tag}
                    </b>
                  )}
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
