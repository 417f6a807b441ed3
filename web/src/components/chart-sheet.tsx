import type { PlanResult } from '../shapes.ts';
import { PlanChart } from './plan-chart.tsx';

/** The chart of a plan, and the space where it will be. */
export function ChartSheet({ result, best }: { result: PlanResult | null; best: string }) {
  return (
    <section className="sheet plan-sheet" aria-label="What each dollar buys">
      <header>
        <h2>What each dollar buys</h2>
        {result && <Legend bound={result.lower_bound_gpu_seconds_per_hour !== null} />}
      </header>
      <div className="in">
        {result ? <PlanChart result={result} best={best} /> : <p className="hint blank">Cost against p95, once there is a plan.</p>}
      </div>
    </section>
  );
}

const Legend = ({ bound }: { bound: boolean }) => (
  <span className="right legend">
    <span className="c-frontier">
      <i className="solid" />
      frontier
    </span>
    <span className="c-others">
      <svg viewBox="-7 -7 14 14" aria-hidden="true">
        <path d="M0-6L6 0L0 6L-6 0Z" fill="currentColor" />
      </svg>
      others&apos; defaults
    </span>
    {bound && (
      <span className="c-bound">
        <i className="dashed" />
        lower bound
      </span>
    )}
  </span>
);
